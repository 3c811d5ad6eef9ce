import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { buildIndex } from '#webindex/build-index.ts'
import type { WebDocument } from '#webindex/document.ts'
import { createIndexEngine } from '#webindex/engine.ts'
import { BrokenIndex, BuildRunning, GenerationGone, NoIndex, NothingToIndex } from '#webindex/errors.ts'
import { readStats } from '#webindex/index-stats.ts'
import type { LinkQuestion } from '#webindex/linking-sites.ts'
import { readManifest } from '#webindex/manifest.ts'
import { collect, documents, linkTo, pageAt, temporaryFolder } from './index-fixture.ts'

const { signal } = new AbortController()
const target = { site: 'target.com', host: 'target.com', key: 'https://target.com' }
const everyLink: LinkQuestion = { target, scope: 'site', follow: 'all', limit: 10_000 }

function build(dir: string, pages: Iterable<WebDocument> | AsyncIterable<WebDocument>, shards = 4) {
  const all = Symbol.asyncIterator in pages ? pages : documents(pages)
  return buildIndex(all, { dir, shards, signal, now: () => new Date('2026-05-06T07:08:09.010Z') })
}

async function engineFor(dir: string) {
  const engine = await createIndexEngine({ dir })
  onTestFinished(() => engine.close())
  return engine
}

/** The referring sites of target.com, over all shards. */
async function readSites(index: Awaited<ReturnType<Awaited<ReturnType<typeof engineFor>>['open']>>) {
  const sites: string[] = []
  for (let shard = 0; shard < index.shards; shard++) {
    for (const row of await collect(index.linkingSites(everyLink, { shard, signal }))) sites.push(row.site)
  }
  return sites.sort()
}

const generations = (dir: string) => readdirSync(dir).filter((name) => name.startsWith('gen-'))

test('an index that was never built says what to run', async () => {
  const dir = join(temporaryFolder(), 'absent')
  const engine = await engineFor(dir)
  await expect(engine.open()).rejects.toThrow(NoIndex)
  await expect(engine.open()).rejects.toThrow('npm run index -- starter')
  await expect(readStats(dir, { signal })).rejects.toThrow(NoIndex)
})

test.each(['{', '{"format": 99}', '{"format":1,"tables":{"links":{"shards":[{"file":"../../etc/passwd"}]}}}'])(
  'a manifest that reads %s is refused',
  async (text) => {
    const dir = temporaryFolder()
    writeFileSync(join(dir, 'current.json'), text)
    await expect((await engineFor(dir)).open()).rejects.toThrow(BrokenIndex)
  },
)

test('a build leaves its tables, the manifest and nothing else', async () => {
  const dir = temporaryFolder()
  const manifest = await build(dir, [pageAt('https://a.com/', ['https://target.com/'])])
  expect(readdirSync(dir).sort()).toEqual(['current.json', `gen-${manifest.id}`])
  const named = Object.values(manifest.tables).flatMap((table) => table.shards.map((shard) => shard.file))
  expect(readdirSync(join(dir, `gen-${manifest.id}`)).map((file) => `gen-${manifest.id}/${file}`)).toEqual(named.sort())
  expect(await readManifest(dir)).toEqual(manifest)
})

test('counts are of what is there: other pages, on the public web', async () => {
  const dir = temporaryFolder()
  const { counts, sources } = await build(dir, [
    pageAt('https://a.com/', [
      'https://a.com/#top',
      'https://a.com/other',
      'https://target.com/',
      'http://localhost/',
      'mailto:x@y.com',
    ]),
    pageAt('https://b.a.com/', ['https://target.com/x'], { source: 'more' }),
    pageAt('http://10.0.0.1/', ['https://target.com/']),
  ])
  expect(counts).toEqual({ pages: 2, links: 3, externalLinks: 2, sites: 1, targetSites: 1 })
  expect(sources).toEqual([
    { name: 'fixture', pages: 1 },
    { name: 'more', pages: 1 },
  ])
})

test('all links of one referring site are in one shard', async () => {
  const dir = temporaryFolder()
  const names = Array.from({ length: 40 }, (_, n) => `site${n}.com`)
  await build(
    dir,
    names.flatMap((name) => [
      pageAt(`https://${name}/1`, ['https://target.com/']),
      pageAt(`https://x.${name}/2`, ['https://target.com/']),
    ]),
  )
  const index = await (await engineFor(dir)).open()
  onTestFinished(() => index.close())
  expect(await readSites(index)).toEqual(names.sort())
})

test('statistics name the sites that most others link to', async () => {
  const dir = temporaryFolder()
  await build(dir, [
    pageAt('https://a.com/', [
      'https://target.com/1',
      'https://target.com/2',
      linkTo('https://declared.com/', { kind: 'metadata' }),
    ]),
    pageAt('https://b.com/', ['https://target.com/1', 'https://other.com/']),
    pageAt('https://target.com/', ['https://target.com/1']),
  ])
  const stats = await readStats(dir, { signal })
  expect(stats.topTargets).toEqual([
    { site: 'target.com', sites: 2, links: 3 },
    { site: 'other.com', sites: 1, links: 1 },
  ])
  expect(stats.bytes).toBeGreaterThan(0)
})

test('a build that fails leaves what was live, and nothing half-built', async () => {
  const dir = temporaryFolder()
  const first = await build(dir, [pageAt('https://a.com/', ['https://target.com/'])])
  async function* breaksOff() {
    yield pageAt('https://b.com/', ['https://target.com/'])
    throw new Error('the source broke off')
  }
  await expect(build(dir, breaksOff())).rejects.toThrow('the source broke off')
  await expect(build(dir, [])).rejects.toThrow(NothingToIndex)
  expect(readdirSync(dir).sort()).toEqual(['current.json', `gen-${first.id}`])
  const index = await (await engineFor(dir)).open()
  onTestFinished(() => index.close())
  expect(await readSites(index)).toEqual(['a.com'])
})

test('a build that is aborted stops and leaves what was live', async () => {
  const dir = temporaryFolder()
  const first = await build(dir, [pageAt('https://a.com/', ['https://target.com/'])])
  const stop = new AbortController()
  async function* endless() {
    for (let n = 0; ; n++) {
      if (n === 50) stop.abort(new Error('stopped by the test'))
      yield pageAt(`https://b.com/${n}`, ['https://target.com/'])
    }
  }
  const building = buildIndex(endless(), { dir, signal: stop.signal, now: () => new Date() })
  await expect(building).rejects.toThrow('stopped by the test')
  expect(readdirSync(dir).sort()).toEqual(['current.json', `gen-${first.id}`])
})

test('one build at a time', async () => {
  const dir = temporaryFolder()
  async function* waits() {
    yield pageAt('https://a.com/', [])
    await expect(build(dir, [pageAt('https://b.com/', [])])).rejects.toThrow(BuildRunning)
  }
  await build(dir, waits())
  await build(dir, [pageAt('https://b.com/', [])])
})

test('the lock and the leavings of a build that was killed are cleared away by the next', async () => {
  const dir = temporaryFolder()
  const here = join(import.meta.dirname, '../..')
  const script = `
    import { buildIndex } from './webindex/build-index.ts'
    async function* hangs() {
      yield { url: 'https://a.com/', title: '', words: 1, seenAt: new Date(), source: 'fixture', links: [] }
      console.log('building')
      await new Promise(() => setInterval(() => {}, 60_000))
    }
    await buildIndex(hangs(), { dir: process.argv[1], signal: new AbortController().signal, now: () => new Date() })`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, dir], {
    cwd: here,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  expect(generations(dir)).toHaveLength(1)
  await expect(build(dir, [pageAt('https://b.com/', [])])).rejects.toThrow(new RegExp(`Process ${child.pid} is building`))
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
  expect(existsSync(join(dir, 'build.lock'))).toBe(true)

  const manifest = await build(dir, [pageAt('https://b.com/', [])])
  expect(readdirSync(dir).sort()).toEqual(['current.json', `gen-${manifest.id}`])
})

test('a lock with the number of this process, left by an earlier one, is not its own', async () => {
  const dir = temporaryFolder()
  writeFileSync(join(dir, 'build.lock'), JSON.stringify({ pid: process.pid, startedAt: 1 }))
  await build(dir, [pageAt('https://a.com/', [])])
  expect(existsSync(join(dir, 'build.lock'))).toBe(false)
})

test('a job keeps its generation through one rebuild; after a second it is told, and the next sees the new one', async () => {
  const dir = temporaryFolder()
  const engine = await engineFor(dir)
  await build(dir, [pageAt('https://first.com/', ['https://target.com/'])])
  const job = await engine.open()
  onTestFinished(() => job.close())
  await build(dir, [pageAt('https://second.com/', ['https://target.com/'])])
  expect(await readSites(job)).toEqual(['first.com'])
  await build(dir, [pageAt('https://third.com/', ['https://target.com/'])])
  expect(generations(dir)).toHaveLength(2)
  await expect(readSites(job)).rejects.toThrow(GenerationGone)
  const next = await engine.open()
  onTestFinished(() => next.close())
  expect(await readSites(next)).toEqual(['third.com'])
})

test('readers see one whole generation each while others are put live', async () => {
  const dir = temporaryFolder()
  const engine = await engineFor(dir)
  // Generation g: 30 sites, each linking from a page that names g.
  const pagesOf = (g: number) =>
    Array.from({ length: 30 }, (_, n) => pageAt(`https://site${n}.com/${g}`, ['https://target.com/']))
  await build(dir, pagesOf(0))
  let building = true
  let whole = 0
  let gone = 0
  const seen = new Set<string>()
  async function reader() {
    while (building) {
      const index = await engine.open()
      try {
        const rows = []
        for (let shard = 0; shard < index.shards; shard++)
          rows.push(...(await collect(index.linkingSites(everyLink, { shard, signal }))))
        const generation = new Set(rows.map((row) => new URL(row.sampleUrl).pathname))
        expect([rows.length, generation.size]).toEqual([30, 1])
        for (const path of generation) seen.add(path)
        whole++
      } catch (error) {
        if (!(error instanceof GenerationGone)) throw error
        gone++ // Two builds passed within one search.
      } finally {
        index.close()
      }
    }
  }
  async function builder() {
    for (let g = 1; g <= 8; g++) await build(dir, pagesOf(g))
    building = false
  }
  await Promise.all([reader(), reader(), reader(), builder()])
  expect(whole).toBeGreaterThan(8)
  expect(seen.size).toBeGreaterThan(2)
  expect(gone).toBeLessThan(whole)
  expect(JSON.parse(readFileSync(join(dir, 'current.json'), 'utf8'))).toMatchObject({ counts: { pages: 30 } })
})

test('an abort ends a running query at once, and the engine goes on', async () => {
  const dir = temporaryFolder()
  // One site, so that all of it is in one shard: 600,000 links to different pages.
  function* manyLinks() {
    for (let page = 0; page < 300; page++) {
      yield pageAt(
        `https://big.com/${page}`,
        Array.from({ length: 2000 }, (_, n) => linkTo(`https://target.com/${page}/${n}`, { anchor: `link ${n}` })),
      )
    }
  }
  await build(dir, manyLinks(), 1)
  const engine = await engineFor(dir)
  const index = await engine.open()
  onTestFinished(() => index.close())

  await collect(index.linkingSites(everyLink, { shard: 0, signal })) // Warm, so that the time taken below is the time to come.
  const before = performance.now()
  const [row] = await collect(index.linkingSites(everyLink, { shard: 0, signal }))
  const wholeMs = performance.now() - before
  console.error('WHOLE', wholeMs)
  expect(wholeMs).toBeGreaterThan(60) // Otherwise the aborts below would come too late to say anything.
  expect(row).toMatchObject({ site: 'big.com', links: 600_000, linkingPages: 300, targetPages: 600_000, anchors: 2000 })

  for (const delayMs of [0, 1, 3, wholeMs / 3]) {
    const stop = new AbortController()
    const reading = collect(index.linkingSites(everyLink, { shard: 0, signal: stop.signal }))
    let abortedAt = 0
    const abort = () => {
      abortedAt = performance.now()
      stop.abort(new Error('cancelled'))
    }
    if (delayMs === 0) abort()
    else setTimeout(abort, delayMs)
    await expect(reading).rejects.toThrow('cancelled')
    expect(performance.now() - abortedAt).toBeLessThan(Math.max(150, wholeMs / 2))
  }
  expect(await collect(index.linkingSites(everyLink, { shard: 0, signal }))).toEqual([row])
}, 60_000)
