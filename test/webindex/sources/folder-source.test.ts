import {
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { abortDuring, processorTime } from '#test/processor-time.ts'
import { temporaryFolder } from '#test/webindex/index-fixture.ts'
import { BadSource } from '#webindex/sources/files/bad-source.ts'
import { type FolderSourceOptions, folderSource } from '#webindex/sources/folder-source.ts'
import { readAll } from './warc/warc-fixture.ts'

const baseUrl = 'https://docs.example.com/guide'

function folderWith(files: Record<string, string | Buffer>): string {
  const folder = temporaryFolder()
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

const read = async (
  files: Record<string, string | Buffer>,
  options: Partial<FolderSourceOptions> = {},
) => readAll(await folderSource({ path: folderWith(files), baseUrl, ...options }))

test('each file is a page at its path below the base URL; index and README files get the address of their folder', async () => {
  const { pages, bad } = await read({
    'README.md': '# Start\nOne two',
    'a.md': '# A',
    'b/index.html': '<title>B</title>',
    'b/README.md': '# Read B',
    'b/c d/ü?#.htm': '<h1>C</h1>',
    'e/index.md': '# E',
    'e/x.xhtml': '<title>X</title>',
    'e/y.markdown': 'Nothing but text',
    'e/z.txt': 'no page',
    '.hidden.html': '<title>no</title>',
    '.git/x.html': '<title>no</title>',
    'node_modules/p/README.md': '# no',
  })
  expect(bad).toEqual([])
  expect(
    pages.map(({ url, title, words, source }) => [
      url.slice('https://docs.example.com'.length),
      title,
      words,
      source,
    ]),
  ).toEqual(
    [
      ['/guide/', 'Start', 3],
      ['/guide/a.md', 'A', 1],
      ['/guide/b/README.md', 'Read B', 2],
      ['/guide/b/c%20d/%C3%BC%3F%23.htm', 'C', 1],
      ['/guide/b/', 'B', 0],
      ['/guide/e/', 'E', 1],
      ['/guide/e/x.xhtml', 'X', 0],
      ['/guide/e/y.markdown', 'y.markdown', 3],
    ].map((facts) => [...facts, 'html:https://docs.example.com/guide/']),
  )
})

test('links resolve against the path of the file; links to an index file lead to its folder', async () => {
  const { pages } = await read({
    'index.html':
      '<a href="b/README.md#x">b</a> <a href="b/c.md?q=1">c</a> <a href="/top">top</a> <a href="//x.example.org">x</a>',
    'b/README.md':
      '[up](../index.html) [c](./c.md) [gone](no.md) [abs](https://docs.example.com/guide/index.html#there) [mail](mailto:me@example.org)',
    'b/c.md': '[b](README.md) ![image](x.png) [self](#part)',
  })
  const hrefs = (at: string) =>
    pages
      .find(({ url }) => url === `https://docs.example.com/guide/${at}`)
      ?.links.map(({ href }) => href)
  const guide = 'https://docs.example.com/guide/'
  expect(hrefs('')).toEqual([
    `${guide}b/#x`,
    `${guide}b/c.md?q=1`,
    'https://docs.example.com/top',
    'https://x.example.org/',
  ])
  expect(hrefs('b/')).toEqual([guide, `${guide}b/c.md`, `${guide}b/no.md`, `${guide}#there`])
  expect(hrefs('b/c.md')).toEqual([`${guide}b/`])
})

test('byte order mark and meta element set the encoding of HTML; a meta element in Markdown is sample code', async () => {
  const { pages } = await read({
    'a.html': Buffer.concat([
      Buffer.from('<meta charset="shift_jis"><title>'),
      Buffer.from([0x93, 0xfa, 0x96, 0x7b]),
    ]),
    'b.html': Buffer.from('\ufeff<title>日本</title>', 'utf16le'),
    'c.html': '<title>日本</title>',
    'd.md': '# 日本\n\n    <meta charset="shift_jis">',
    'e.md': '\ufeff---\ntitle: 日本\n---\nText',
  })
  expect(pages.map(({ title }) => title)).toEqual(Array(5).fill('日本'))
})

test('seenAt is when the file was modified; the size is that of all files', async () => {
  const folder = folderWith({ 'a.md': '# A', 'b.md': '# B, longer' })
  utimesSync(
    join(folder, 'a.md'),
    new Date('2020-01-02T03:04:05Z'),
    new Date('2020-01-02T03:04:05Z'),
  )
  const source = await folderSource({ path: folder, baseUrl, name: 'own-name' })
  expect(source).toMatchObject({
    name: 'own-name',
    kind: 'html',
    bytes: statSync(join(folder, 'a.md')).size + statSync(join(folder, 'b.md')).size,
  })
  const { pages, progress } = await readAll(source)
  expect(pages[0]).toMatchObject({ seenAt: new Date('2020-01-02T03:04:05Z'), source: 'own-name' })
  expect(progress).toEqual([3, 14])
})

test('a file that is binary, too large or missing is bad; the others are read', async () => {
  const folder = folderWith({
    'a.html': Buffer.from([0x89, 0x50, 0, 0, 1, 2, 3]),
    'b.html': Buffer.alloc(8 * 1024 * 1024 + 1, 'x'),
    'c/d.md': Buffer.alloc(512 * 1024 + 1, 'x'),
    'e.html': '<title>E</title>',
    'f.md': '> '.repeat(50_000),
    'g.html': '<meta charset="iso-2022-kr"><title>G</title>',
    'h.html': '<title>H</title>',
  })
  const source = await folderSource({ path: folder, baseUrl })
  rmSync(join(folder, 'e.html'))
  const { pages, bad } = await readAll(source)
  expect(pages.map(({ title }) => title)).toEqual(['H'])
  expect(bad).toEqual([
    { place: 'a.html', reason: 'it is binary' },
    { place: 'b.html', reason: 'it is larger than 8 MiB' },
    { place: 'c/d.md', reason: 'it is larger than 512 KiB' },
    { place: 'e.html', reason: "it can't be read (ENOENT)" },
    { place: 'f.md', reason: "its Markdown can't be parsed" },
    { place: 'g.html', reason: 'its text encoding is not supported' },
  ])
})

test('a page marked noindex is skipped', async () => {
  const { pages, remarks } = await read({
    'a.html': '<meta name="robots" content="noindex">',
    'b.html': '<title>B</title>',
  })
  expect(pages.map(({ title }) => title)).toEqual(['B'])
  expect(remarks).toEqual(['1 file holds no page: 1 marked noindex.'])
})

test('symbolic links are not followed', async () => {
  const outside = folderWith({ 'secret.html': '<title>secret</title>' })
  const folder = folderWith({ 'a.html': '<title>A</title>' })
  symlinkSync(outside, join(folder, 'out'))
  symlinkSync(join(outside, 'secret.html'), join(folder, 'b.html'))
  const { pages } = await readAll(await folderSource({ path: folder, baseUrl }))
  expect(pages.map(({ title }) => title)).toEqual(['A'])
  await expect(folderSource({ path: join(folder, 'out'), baseUrl })).rejects.toThrow(
    'Symbolic links are not followed',
  )
})

test.each([
  ['docs.example.com', /not a web address/],
  ['ftp://docs.example.com', /not a web address/],
  ['https://', /not a web address/],
  ['https://localhost/docs', /not on the public web: localhost/],
  ['http://192.0.2.1/', /not on the public web/],
  ['https://docs.example.com/?page=1', /Remove everything from the \? or # on/],
])('the base URL %j is refused', async (wrong, reason) => {
  const refused = folderSource({ path: folderWith({ 'a.md': '' }), baseUrl: wrong })
  await expect(refused).rejects.toThrow(BadSource)
  await expect(refused).rejects.toThrow(reason)
})

test('a folder without pages is refused', async () => {
  await expect(folderSource({ path: folderWith({ 'a.txt': 'x' }), baseUrl })).rejects.toThrow(
    /contains no pages/,
  )
})

test('a long Markdown file is read piece by piece, and an abort stops it in between', async () => {
  const section = (n: number) =>
    `## Part ${n}\n\nWords of [part][p${n}] and \`code\`.\n\n\`\`\`\n# no heading [no](https://no.com)\n\`\`\`\n\n<!-- a\n# comment -->\n\n`
  const text = `# All\n\n${Array.from({ length: 2_000 }, (_, n) => section(n)).join('')}\n${Array.from({ length: 2_000 }, (_, n) => `[p${n}]: /to/${n}`).join('\n')}\n`
  const folder = folderWith({ 'a.md': text })
  const spent = processorTime()
  const { pages } = await readAll(await folderSource({ path: folder, baseUrl }))
  const wholeMs = spent()
  expect(readFileSync(join(folder, 'a.md')).length).toBeGreaterThan(200_000)
  expect(pages[0]).toMatchObject({
    title: 'All',
    words:
      1 +
      2_000 *
        ('Part n Words of part and code'.split(' ').length +
          'no heading no https no com'.split(' ').length),
  })
  expect(pages[0]?.links).toEqual(
    Array.from({ length: 2_000 }, (_, n) => ({
      href: `https://docs.example.com/to/${n}`,
      anchor: 'part',
      nofollow: false,
      kind: 'text',
    })),
  )

  const again = await folderSource({ path: folder, baseUrl })
  const aborted = await abortDuring((signal) => readAll(again, signal), wholeMs / 4)
  expect(String(aborted?.error)).toMatch(/abort/i)
  expect(aborted?.spentMs).toBeLessThan(wholeMs / 4)
})
