import { expect, test } from 'vitest'
import { packageDocuments } from '#webindex/sources/packages/package-documents.ts'
import { starterSource } from '#webindex/sources/packages/packages-source.ts'
import { pagesOf, temporaryFolder, writeTree } from '../../index-fixture.ts'

const seenAt = new Date('2026-03-04T05:06:07Z')

async function read(files: Record<string, unknown>) {
  const nodeModules = temporaryFolder()
  writeTree(nodeModules, files)
  return pagesOf(starterSource({ nodeModules, seenAt }))
}

test('the readme is at the homepage, other documents are below the repository', async () => {
  const pages = await read({
    'a/package.json': {
      name: 'a',
      homepage: 'https://a.dev/#readme',
      repository: 'git+https://github.com/ann/a.git',
    },
    'a/README.md': '# A',
    'a/docs/an api.md': '# API',
  })
  expect(pages.map(({ url, title }) => [url, title])).toEqual([
    ['https://a.dev/', 'A'],
    ['https://github.com/ann/a/blob/HEAD/docs/an%20api.md', 'API'],
  ])
  expect(pages[0]?.seenAt).toEqual(seenAt)
})

test('packages that share a homepage get distinct addresses', async () => {
  const repository = { type: 'git', url: 'https://github.com/org/mono.git' }
  const at = (name: string) => ({
    name,
    homepage: 'https://mono.dev',
    repository: { ...repository, directory: `packages/${name}` },
  })
  const pages = await read({
    'x/package.json': at('x'),
    'x/README.md': '# X',
    'y/package.json': at('y'),
    'y/README.md': '# Y',
    'z/package.json': { name: 'z', homepage: 'https://mono.dev', repository },
    'z/README.md': '# Z',
    'zz/package.json': { name: 'zz', homepage: 'https://mono.dev', repository },
    'zz/README.md': '# ZZ',
  })
  expect(pages.map((page) => page.url)).toEqual([
    'https://mono.dev/',
    'https://github.com/org/mono/tree/HEAD/packages/y',
    'https://github.com/org/mono',
    'https://github.com/org/mono/blob/HEAD/README.md',
  ])
})

test('change logs, licences, tests, bundled packages and documents without an address are omitted', async () => {
  const pages = await read({
    'a/package.json': { name: 'a', repository: 'ann/a' },
    'a/README.md': '# A',
    'a/CHANGELOG.md': 'x',
    'a/changelog-v1.md': 'x',
    'a/HISTORY.md': 'x',
    'a/LICENSE.md': 'x',
    'a/test/page.html': 'x',
    'a/dist/other/package.json': { name: 'other' },
    'a/dist/other/README.md': 'x',
    'a/dist/part/package.json': { name: 'a/part' },
    'a/dist/part/README.md': 'part',
    'a/dist/shell.html': '<script src="app.js"></script><div id="root"></div>',
    'nowhere/package.json': { name: 'nowhere' },
    'nowhere/README.md': 'x',
    'broken/package.json': '{',
    'broken/README.md': 'x',
  })
  expect(pages.map((page) => page.url)).toEqual([
    'https://github.com/ann/a',
    'https://github.com/ann/a/blob/HEAD/dist/part/README.md',
  ])
})

test('scoped and nested packages are found; of several copies the one nearest the top wins', async () => {
  const pages = await read({
    '@s/a/package.json': { name: '@s/a', repository: 'o/sa' },
    'b/package.json': { name: 'b', repository: 'o/b' },
    'b/README.md': 'top',
    'c/package.json': { name: 'c', repository: 'o/c' },
    'c/node_modules/b/package.json': { name: 'b', repository: 'o/older-b' },
    'c/node_modules/@s/d/package.json': { name: '@s/d', repository: 'o/sd' },
    '.bin/x/package.json': { name: 'x', repository: 'o/x' },
  })
  expect(pages.map((page) => page.url).sort()).toEqual(
    ['b', 'c', 'sa', 'sd'].map((name) => `https://github.com/o/${name}`),
  )
})

test('relative links are kept only if they lead to a document of the package', async () => {
  const [readme, guide] = await read({
    'a/package.json': { name: 'a', homepage: 'https://a.dev', repository: 'ann/a' },
    'a/README.md':
      '[g](./docs/guide.md#x) [gone](docs/gone.md) [root](/docs/guide) [part](#part) [p](//b.dev/x) [m](mailto:a@b.dev)',
    'a/docs/guide.md': '[back](../README.md) [up](../../issues)',
  })
  const seen = (page: typeof readme) =>
    page?.links.filter((link) => link.kind !== 'metadata').map((link) => link.href)
  expect(seen(readme)).toEqual([
    'https://github.com/ann/a/blob/HEAD/docs/guide.md',
    'https://b.dev/x',
  ])
  expect(seen(guide)).toEqual(['https://a.dev/'])
})

test('links in package.json are of kind metadata and have no text', async () => {
  const [page] = await read({
    'a/package.json': {
      name: 'a',
      homepage: 'https://a.dev',
      repository: 'github:ann/a',
      bugs: { url: 'https://bugs.dev/a' },
      author: { name: 'Ann', url: 'https://ann.dev' },
      funding: ['https://fund.dev/a', { type: 'x', url: 'https://fund.dev/b' }],
    },
  })
  expect(page?.title).toBe('a')
  expect(page?.links.every((link) => link.kind === 'metadata' && link.anchor === '')).toBe(true)
  expect(page?.links.map((link) => link.href)).toEqual([
    'https://a.dev',
    'https://github.com/ann/a',
    'https://bugs.dev/a',
    'https://ann.dev',
    'https://fund.dev/a',
    'https://fund.dev/b',
  ])
})

test('a feature of caniuse-db is a page of caniuse.com with the publication date of the data', async () => {
  const pages = await read({
    'caniuse-db/package.json': { name: 'caniuse-db' },
    'caniuse-db/data.json': { updated: 1_700_000_000 },
    'caniuse-db/features-json/abort.json': {
      title: 'Abort',
      description: 'Three words here',
      spec: 'https://spec.dev/',
      links: [{ url: 'https://mdn.dev/', title: 'MDN' }],
    },
  })
  expect(pages).toEqual([
    {
      url: 'https://caniuse.com/abort',
      title: 'Abort',
      words: 3,
      text: 'Three words here',
      seenAt: new Date(1_700_000_000_000),
      source: 'caniuse-db (CC-BY-4.0)',
      links: [
        { href: 'https://spec.dev/', anchor: '', nofollow: false, kind: 'text' },
        { href: 'https://mdn.dev/', anchor: 'MDN', nofollow: false, kind: 'text' },
      ],
    },
  ])
})

test('an abort stops the reading, and progress is reported until then', async () => {
  const nodeModules = temporaryFolder()
  writeTree(nodeModules, {
    'a/package.json': { name: 'a', repository: 'o/a' },
    'b/package.json': { name: 'b', repository: 'o/b' },
    'c/package.json': { name: 'c', repository: 'o/c' },
  })
  const stop = new AbortController()
  const steps: number[][] = []
  const onProgress = (...progress: number[]) => {
    steps.push(progress)
    if (steps.length === 2) stop.abort(new Error('enough'))
  }
  const reading = packageDocuments({ nodeModules, seenAt, signal: stop.signal, onProgress })
  expect((await reading.next()).value).toMatchObject({ url: 'https://github.com/o/a' })
  await reading.next()
  await expect(reading.next()).rejects.toThrow('enough')
  expect(steps).toEqual([
    [0, 3],
    [1, 3],
  ])
})
