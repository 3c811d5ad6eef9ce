import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createBuilds } from '#webindex/build/build-index.ts'
import type { BuildProgress } from '#webindex/build/builds.ts'
import {
  BrokenIndex,
  BuildRunning,
  LaterIndex,
  NoIndex,
  NoSuchDataset,
  NotEnoughDisk,
  NothingToIndex,
  OlderIndex,
  TooManyBad,
  UnusableDatasetName,
} from '#webindex/errors.ts'
import { type Manifest, readManifest } from '#webindex/manifest.ts'
import { readStats } from '#webindex/query/index-stats.ts'
import type { SourceItem } from '#webindex/source.ts'
import { linkTo, pageAt, readTable, sourceOf, temporaryFolder } from '../index-fixture.ts'

const { signal } = new AbortController()
const buildsIn = (dir: string) =>
  createBuilds({ dir, shards: 2, now: () => new Date('2026-05-06T07:08:09.010Z') })
const page = (...args: Parameters<typeof pageAt>): SourceItem => ({ page: pageAt(...args) })
const bad = (n: number): SourceItem => ({ bad: { place: `line ${n}`, reason: 'it is cut off' } })
const generations = (dir: string) => readdirSync(dir).filter((name) => name.startsWith('gen-'))

/** All files that a manifest names. */
function filesOf({ tables, sources }: Manifest): string[] {
  const merged = Object.values(tables).flatMap((table) => table.shards)
  const own = sources.flatMap(({ files }) => Object.values(files))
  return [...merged, ...own].map(({ file }) => file).sort()
}

function expectOnlyLiveFiles(dir: string, manifest: Manifest): void {
  const files = readdirSync(dir).filter((name) => name !== 'uses')
  expect(files.sort()).toEqual(['current.json', `gen-${manifest.id}`])
  expect(
    readdirSync(join(dir, `gen-${manifest.id}`)).map((file) => `gen-${manifest.id}/${file}`),
  ).toEqual(filesOf(manifest))
}

async function keysIn(dir: string): Promise<unknown[]> {
  return (await readTable(dir, (await readManifest(dir)).tables.pages.shards)).map((row) => row.key)
}

test('the error for a missing index names the command that builds one', async () => {
  const dir = join(temporaryFolder(), 'absent')
  await expect(readStats(dir, { signal })).rejects.toThrow(NoIndex)
  await expect(readStats(dir, { signal })).rejects.toThrow('npm run index -- starter')
  await expect(buildsIn(dir).compact({ signal })).rejects.toThrow(NoIndex)
  await expect(buildsIn(dir).remove('some', { signal })).rejects.toThrow(NoIndex)
})

test.each([
  ['{', BrokenIndex],
  ['{"format": "new"}', BrokenIndex],
  ['{"format":2,"id":"../x"}', BrokenIndex],
  ['{"format":1,"id":"x"}', OlderIndex],
])('the unusable manifest %s is refused, and replaced by the next build', async (text, kind) => {
  const dir = temporaryFolder()
  writeFileSync(join(dir, 'current.json'), text)
  await expect(readManifest(dir)).rejects.toThrow(kind)
  await expect(readManifest(dir)).rejects.toThrow('npm run index -- starter')
  const { manifest } = await buildsIn(dir).add(sourceOf('new', [page('https://a.com/', [])]), {
    signal,
  })
  expectOnlyLiveFiles(dir, manifest)
})

test('an index of a later version is not replaced', async () => {
  const dir = temporaryFolder()
  writeFileSync(join(dir, 'current.json'), '{"format":3}')
  await expect(
    buildsIn(dir).add(sourceOf('new', [page('https://a.com/', [])]), { signal }),
  ).rejects.toThrow(LaterIndex)
  expect(readFileSync(join(dir, 'current.json'), 'utf8')).toBe('{"format":3}')
})

test('a build leaves exactly the files in its manifest', async () => {
  const dir = temporaryFolder()
  const { manifest } = await buildsIn(dir).add(
    sourceOf('one', [page('https://a.com/', ['https://target.com/'])]),
    { signal },
  )
  expectOnlyLiveFiles(dir, manifest)
  expect(await readManifest(dir)).toEqual(manifest)
})

test('pages and links off the public web are skipped, and so are links within a page', async () => {
  const dir = temporaryFolder()
  const links = [
    'https://a.com/#top',
    'https://a.com/other',
    'https://target.com/',
    'http://localhost/',
    'mailto:x@y.com',
  ]
  const items = [
    page('https://a.com/', links),
    page('https://b.a.com/', ['https://target.com/x']),
    page('http://10.0.0.1/', links),
  ]
  const built = await buildsIn(dir).add(sourceOf('one', items), { signal })
  expect(built.manifest.counts).toMatchObject({
    pages: 2,
    links: 3,
    externalLinks: 2,
    sites: 1,
    targetSites: 1,
  })
  expect(built.read).toEqual({
    pages: 2,
    links: 3,
    queries: 0,
    edges: 0,
    ranks: 0,
    reported: 0,
    passed: 0,
    bad: 1,
  })
  expect(built.samples).toEqual([
    { place: 'one', reason: 'http://10.0.0.1/ is not a page of the public web' },
  ])
})

test('a dataset replaces the one of the same name and keeps the others', async () => {
  const dir = temporaryFolder()
  const builds = buildsIn(dir)
  const first = await builds.add(
    sourceOf('one', [page('https://a.com/', []), page('https://b.com/', [])]),
    { signal },
  )
  await builds.add(
    sourceOf('two', [
      page('https://b.com/', [], { title: 'from two' }),
      page('https://c.com/', []),
    ]),
    { signal },
  )
  expect(await keysIn(dir)).toEqual(['https://a.com', 'https://b.com', 'https://c.com'])
  const { manifest } = await builds.add(sourceOf(' two ', [page('https://d.com/', [])]), { signal })
  expect(await keysIn(dir)).toEqual(['https://a.com', 'https://b.com', 'https://d.com'])
  expect(manifest.sources.map((source) => [source.name, source.pages])).toEqual([
    ['one', 2],
    ['two', 1],
  ])
  expect(manifest.sources[0]?.addedAt).toBe(first.manifest.sources[0]?.addedAt)
  expectOnlyLiveFiles(dir, manifest)
})

test('a new generation links to the files of kept datasets instead of rewriting them', async () => {
  const dir = temporaryFolder()
  const builds = buildsIn(dir)
  const before = await builds.add(sourceOf('one', [page('https://a.com/', [])]), { signal })
  const inode = (manifest: Manifest) =>
    statSync(join(dir, manifest.sources[0]?.files.pages?.file ?? '')).ino
  const inodeBefore = inode(before.manifest)
  expect(inode((await builds.compact({ signal })).manifest)).toBe(inodeBefore)
})

test('removing a dataset removes its pages and restores those it had replaced', async () => {
  const dir = temporaryFolder()
  const builds = buildsIn(dir)
  await builds.add(
    sourceOf('one', [page('https://a.com/', ['https://x.com/'], { title: 'older' })]),
    { signal },
  )
  await builds.add(
    sourceOf('two', [page('https://a.com/', ['https://y.com/', 'https://z.com/'])]),
    { signal },
  )
  const { manifest, read } = await builds.remove('two', { signal })
  expect(manifest.counts).toMatchObject({ pages: 1, links: 1 })
  expect(read).toMatchObject({ pages: 0, bad: 0 })
  expect(await readTable(dir, manifest.tables.pages.shards)).toMatchObject([
    { key: 'https://a.com', title: 'older' },
  ])
  await expect(builds.remove('two', { signal })).rejects.toThrow(NoSuchDataset)
  await expect(builds.remove('two', { signal })).rejects.toThrow(
    'The index has no source named two. Give one of its sources: one.',
  )
})

test('removing the last dataset leaves an empty, readable index', async () => {
  const dir = temporaryFolder()
  const builds = buildsIn(dir)
  await builds.add(sourceOf('one', [page('https://a.com/', ['https://x.com/'])]), { signal })
  const { manifest } = await builds.remove('one', { signal })
  expect(Object.values(manifest.counts).every((count) => count === 0)).toBe(true)
  expect(await readStats(dir, { signal })).toMatchObject({
    sources: [],
    topTargets: [],
    topPhrases: [],
  })
  await builds.add(sourceOf('one', [page('https://a.com/', [])]), { signal })
  expect(await keysIn(dir)).toEqual(['https://a.com'])
})

test('compacting keeps all rows and removes unused files', async () => {
  const dir = temporaryFolder()
  const builds = buildsIn(dir)
  const items = [
    page('https://a.com/', ['https://x.com/'], { text: 'some words' }),
    page('https://b.com/', ['https://x.com/y']),
  ]
  const first = await builds.add(sourceOf('one', items), { signal })
  const before = await readTable(dir, first.manifest.tables.phrases.shards)
  writeFileSync(join(dir, 'gen-orphan'), 'unused')
  const { manifest } = await builds.compact({ signal })
  expect(await readTable(dir, manifest.tables.phrases.shards)).toEqual(before)
  expect(manifest.counts).toEqual(first.manifest.counts)
  expectOnlyLiveFiles(dir, manifest)
})

test('statistics list the sites with the most referring domains and the most common phrases', async () => {
  const dir = temporaryFolder()
  const declared = linkTo('https://declared.com/', { kind: 'metadata' })
  const items = [
    page('https://a.com/', ['https://target.com/1', 'https://target.com/2', declared], {
      text: 'blue sky',
    }),
    page('https://b.com/', ['https://target.com/1', 'https://other.com/'], { text: 'a blue sky' }),
    page('https://target.com/', ['https://target.com/1']),
  ]
  await buildsIn(dir).add(sourceOf('one', items), { signal })
  const stats = await readStats(dir, { signal })
  expect(stats.topTargets).toEqual([
    { site: 'target.com', sites: 2, links: 3 },
    { site: 'other.com', sites: 1, links: 1 },
  ])
  expect(stats.topPhrases.slice(0, 2)).toEqual([
    { phrase: 'blue sky', pages: 2, sites: 2 },
    { phrase: 'a com', pages: 1, sites: 1 },
  ])
  expect(stats.bytes).toBe(
    filesOf(await readManifest(dir)).reduce((sum, file) => sum + statSync(join(dir, file)).size, 0),
  )
})

test('a failed build leaves the live generation and no files of its own', async () => {
  const dir = temporaryFolder()
  const builds = buildsIn(dir)
  const { manifest } = await builds.add(sourceOf('one', [page('https://a.com/', [])]), { signal })
  async function* failing() {
    yield page('https://b.com/', ['https://target.com/'])
    throw new Error('read failed')
  }
  await expect(builds.add(sourceOf('one', failing()), { signal })).rejects.toThrow('read failed')
  expectOnlyLiveFiles(dir, manifest)
  expect(await readManifest(dir)).toEqual(manifest)
})

test('a dataset without a good row is refused, with samples of its bad rows', async () => {
  const builds = buildsIn(temporaryFolder())
  await expect(builds.add(sourceOf('one', []), { signal })).rejects.toThrow(NothingToIndex)
  await expect(
    builds.add(sourceOf('one', [{ remark: 'Only pictures.' }]), { signal }),
  ).rejects.toThrow(NothingToIndex)
  await expect(builds.add(sourceOf('one', [bad(1), bad(2)]), { signal })).rejects.toThrow(
    'Found nothing to index in one. The index was not changed. Could not read 2 rows, such as: line 1: it is cut off; line 2: it is cut off.',
  )
})

test('up to half of the rows may be bad; the first twenty are kept as samples', async () => {
  const dir = temporaryFolder()
  const good = Array.from(
    { length: 30 },
    (_, n): SourceItem => ({ query: { query: `word ${n}`, searches: 1, clicks: 0, position: 1 } }),
  )
  const half = Array.from({ length: 30 }, (_, n) => bad(n))
  const remarks = [{ remark: 'Images are left out.' }, { remark: 'Images are left out.' }]
  const built = await buildsIn(dir).add(sourceOf('log', [...good, ...half, ...remarks]), { signal })
  expect(built.read).toMatchObject({ queries: 30, bad: 30 })
  expect(built.samples.map((sample) => sample.place)).toEqual(
    Array.from({ length: 20 }, (_, n) => `line ${n}`),
  )
  expect(built.remarks).toEqual(['Images are left out.'])
  expect(built.manifest.sources[0]).toMatchObject({ kind: 'html', queries: 30, bad: 30 })

  const refused = buildsIn(dir).add(sourceOf('log', [...good, ...half, bad(30)]), { signal })
  await expect(refused).rejects.toThrow(TooManyBad)
  await expect(refused).rejects.toThrow(
    /^Most of log could not be read \(31 of 61 rows\)\. .* line 0: it is cut off; line 1: /,
  )
  expect(await readManifest(dir)).toEqual(built.manifest)
})

test('a page with odd characters is kept; one with an invalid date is bad', async () => {
  const dir = temporaryFolder()
  const items = [
    page('https://a.com/', [linkTo('https://x.com/', { anchor: 'nul \0 and \ud800 half' })], {
      title: 'a\0b \ud800',
      text: 'word\0word',
    }),
    page('https://b.com/', [], { seenAt: new Date(Number.NaN) }),
  ]
  const { manifest, read } = await buildsIn(dir).add(sourceOf('odd', items), { signal })
  expect(read).toMatchObject({ pages: 1, links: 1, bad: 1 })
  const [kept] = await readTable(dir, manifest.tables.pages.shards)
  expect(kept).toMatchObject({ key: 'https://a.com', title: 'a\0b \ufffd' })
})

test('a build that needs more than the free disk space does not start', async () => {
  const dir = temporaryFolder()
  const adding = buildsIn(dir).add(
    sourceOf('huge', [page('https://a.com/', [])], { bytes: 5e17 }),
    { signal },
  )
  await expect(adding).rejects.toThrow(NotEnoughDisk)
  await expect(adding).rejects.toThrow(
    /the build needs about 1000000000\.1 GB, and \d+(\.\d)? [GM]B are free/,
  )
  expect(readdirSync(dir)).toEqual([])
})

test.each(['', '  ', 'two\nlines', 'x'.repeat(201)])(
  '%j is refused as the name of a dataset',
  async (name) => {
    const adding = buildsIn(temporaryFolder()).add(sourceOf(name, [page('https://a.com/', [])]), {
      signal,
    })
    await expect(adding).rejects.toThrow(UnusableDatasetName)
  },
)

test('progress names its phases and units, and never decreases within a phase', async () => {
  const reported: BuildProgress[] = []
  const dataset = sourceOf('one', [], {
    async *items({ onProgress }) {
      onProgress({ done: 0, total: 2, unit: 'files' })
      yield page('https://a.com/', ['https://x.com/'])
      onProgress({ done: 2, total: 2, unit: 'files' })
      onProgress({ done: 1, total: 2, unit: 'files' })
    },
  })
  await buildsIn(temporaryFolder()).add(dataset, {
    signal,
    onProgress: (progress) => reported.push(progress),
  })
  expect(reported.slice(0, 3)).toEqual(
    [0, 2, 2].map((done) => ({ phase: 'Reading one', done, total: 2, unit: 'files' })),
  )
  const phases = [...new Set(reported.map(({ phase }) => phase))]
  expect(phases).toEqual([
    'Reading one',
    'Merging sources',
    'Ranking sites',
    'Writing links',
    'Counting phrases',
    'Counting anchor texts',
    'Adding up phrases',
    'Naming phrases',
    'Writing phrases',
  ])
  for (const phase of phases) {
    const steps = reported.filter((progress) => progress.phase === phase)
    expect(steps.map((step) => step.done)).toEqual(
      steps.map((step) => step.done).sort((a, b) => a - b),
    )
    for (const { done, total } of steps.slice(-1)) if (total !== null) expect(done).toBe(total)
  }
})

test('an abort while a dataset is read stops the build and leaves the live generation', async () => {
  const dir = temporaryFolder()
  const builds = buildsIn(dir)
  const { manifest } = await builds.add(sourceOf('one', [page('https://a.com/', [])]), { signal })
  const stop = new AbortController()
  async function* endless() {
    for (let n = 0; ; n++) {
      if (n === 50) stop.abort(new Error('stopped by the test'))
      yield page(`https://b.com/${n}`, ['https://target.com/'])
    }
  }
  await expect(builds.add(sourceOf('two', endless()), { signal: stop.signal })).rejects.toThrow(
    'stopped by the test',
  )
  expectOnlyLiveFiles(dir, manifest)
})

test('an abort within any phase stops the build at once and leaves the live generation', async () => {
  const dir = temporaryFolder()
  const builds = createBuilds({ dir, shards: 16, now: () => new Date() })
  const words = Array.from({ length: 3000 }, (_, n) => `w${(n * 7919) % 1500}`)
  const items = Array.from({ length: 600 }, (_, n) =>
    page(
      `https://site${n % 90}.com/${n}`,
      Array.from({ length: 40 }, (_, k) => `https://t${(n * k) % 3000}.com/`),
      {
        text: Array.from({ length: 300 }, (_, k) => words[(n * n + k) % 3000]).join(' '),
      },
    ),
  )
  const { manifest } = await builds.add(sourceOf('one', items), { signal })
  /** @returns how often the build reported progress after the abort. */
  async function reportsAfterAbort(phase: string): Promise<number> {
    const stop = new AbortController()
    let started = false
    let reports = 0
    const onProgress = (progress: BuildProgress) => {
      if (stop.signal.aborted) reports++
      if (progress.phase !== phase || started) return
      started = true
      // By then the next statement is running.
      setTimeout(() => stop.abort(new Error('cancelled')), 3)
    }
    await expect(builds.compact({ signal: stop.signal, onProgress })).rejects.toThrow('cancelled')
    return reports
  }
  for (const phase of ['Merging sources', 'Writing links', 'Counting phrases', 'Naming phrases']) {
    expect(await reportsAfterAbort(phase)).toBeLessThanOrEqual(1)
    expectOnlyLiveFiles(dir, manifest)
  }
})

test('a second build is refused while one is running', async () => {
  const dir = temporaryFolder()
  const builds = buildsIn(dir)
  async function* addMeanwhile() {
    yield page('https://a.com/', [])
    await expect(
      builds.add(sourceOf('two', [page('https://b.com/', [])]), { signal }),
    ).rejects.toThrow(BuildRunning)
  }
  await builds.add(sourceOf('one', addMeanwhile()), { signal })
  await builds.add(sourceOf('two', [page('https://b.com/', [])]), { signal })
  expect(await keysIn(dir)).toEqual(['https://a.com', 'https://b.com'])
})

test('the next build removes the lock and the files of a killed build', async () => {
  const dir = temporaryFolder()
  const script = `
    import { createBuilds } from './webindex/build/build-index.ts'
    async function* items() {
      yield { page: { url: 'https://a.com/', title: '', words: 1, text: '', seenAt: new Date(), source: 'x', links: [] } }
      console.log('building')
      await new Promise(() => setInterval(() => {}, 60_000))
    }
    const dataset = { name: 'hangs', kind: 'html', bytes: null, items }
    await createBuilds({ dir: process.argv[1], now: () => new Date() }).add(dataset, { signal: new AbortController().signal })`
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script, dir],
    {
      cwd: join(import.meta.dirname, '../../..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  expect(generations(dir)).toHaveLength(1)
  const dataset = sourceOf('one', [page('https://b.com/', [])])
  await expect(buildsIn(dir).add(dataset, { signal })).rejects.toThrow(
    `Process ${child.pid} on ${hostname()} is building`,
  )
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
  expect(existsSync(join(dir, 'build.lock'))).toBe(true)
  expectOnlyLiveFiles(dir, (await buildsIn(dir).add(dataset, { signal })).manifest)
})

test('a lock with the pid of this process, left by an earlier process, is stale', async () => {
  const dir = temporaryFolder()
  writeFileSync(
    join(dir, 'build.lock'),
    JSON.stringify({ pid: process.pid, startedAt: 1, hostname: hostname() }),
  )
  await buildsIn(dir).add(sourceOf('one', [page('https://a.com/', [])]), { signal })
  expect(existsSync(join(dir, 'build.lock'))).toBe(false)
})

test('the lock of another machine expires a minute after its last renewal', async () => {
  const dir = temporaryFolder()
  const lock = join(dir, 'build.lock')
  writeFileSync(lock, JSON.stringify({ pid: 1, startedAt: 1, hostname: 'elsewhere' }))
  const adding = () => buildsIn(dir).add(sourceOf('one', [page('https://a.com/', [])]), { signal })
  await expect(adding()).rejects.toThrow('Process 1 on elsewhere is building this index')
  const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1000)
  utimesSync(lock, secondsAgo(50), secondsAgo(50))
  await expect(adding()).rejects.toThrow(BuildRunning)
  utimesSync(lock, secondsAgo(61), secondsAgo(61))
  await adding()
})
