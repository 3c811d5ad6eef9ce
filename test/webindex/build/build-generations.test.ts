import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { processorTime } from '#test/processor-time.ts'
import { createBuilds } from '#webindex/build/build-index.ts'
import { BrokenIndex, GenerationGone, NoIndex } from '#webindex/errors.ts'
import { leaseLiveGeneration } from '#webindex/leases.ts'
import { createIndexEngine, type WebIndex } from '#webindex/query/engine.ts'
import type { LinkQuery } from '#webindex/query/links-to.ts'
import type { ReferringDomain } from '#webindex/query/referring-domains.ts'
import { collect, linkTo, pageAt, sourceOf, temporaryFolder } from '../index-fixture.ts'

const { signal } = new AbortController()
const target = { site: 'target.com', host: 'target.com', key: 'https://target.com' }
const everyLink: LinkQuery = { target, scope: 'site', follow: 'all', limit: 10_000 }

/** Builds an index of just these pages. @returns the generation's id. */
async function build(
  dir: string,
  pages: Iterable<ReturnType<typeof pageAt>>,
  shards = 4,
): Promise<string> {
  const items = Array.from(pages, (page) => ({ page }))
  const { manifest } = await createBuilds({ dir, shards, now: () => new Date() }).add(
    sourceOf('pages', items),
    { signal },
  )
  return manifest.id
}
const linking = (...sites: string[]) =>
  sites.map((site) => pageAt(`https://${site}/`, ['https://target.com/']))

async function engineFor(dir: string) {
  const engine = await createIndexEngine({ dir })
  onTestFinished(() => engine.close())
  return engine
}

/** The referring domains of target.com, from all shards. */
async function readRows(index: WebIndex, until = signal): Promise<ReferringDomain[]> {
  return (await collect(index.referringDomains(everyLink, { signal: until }))).flatMap(
    ({ rows }) => rows,
  )
}

async function readSites(index: WebIndex): Promise<string[]> {
  return (await readRows(index)).map(({ site }) => site).sort()
}

const generations = (dir: string) =>
  readdirSync(dir)
    .filter((name) => name.startsWith('gen-'))
    .map((name) => name.slice('gen-'.length))
    .sort()
const leases = (dir: string) => readdirSync(join(dir, 'uses'))

test('a missing or older index can’t be opened', async () => {
  const dir = temporaryFolder()
  const engine = await engineFor(dir)
  await expect(engine.open()).rejects.toThrow(NoIndex)
  writeFileSync(join(dir, 'current.json'), '{"format":1}')
  await expect(engine.open()).rejects.toThrow(BrokenIndex)
  await expect(engine.open()).rejects.toThrow(/older version.*npm run index -- starter/)
})

test('an open index keeps its generation through later builds; the next one opened is new', async () => {
  const dir = temporaryFolder()
  const engine = await engineFor(dir)
  const first = await build(dir, linking('first.com'))
  const job = await engine.open()
  await build(dir, linking('second.com'))
  const third = await build(dir, linking('third.com'))
  expect(await readSites(job)).toEqual(['first.com'])
  expect(generations(dir)).toEqual([first, third])
  const next = await engine.open()
  expect(await readSites(next)).toEqual(['third.com'])
  await next.close()
  await job.close()
})

test('the last reader of a replaced generation removes it', async () => {
  const dir = temporaryFolder()
  const engine = await engineFor(dir)
  const first = await build(dir, linking('first.com'))
  const [one, other] = [await engine.open(), await engine.open()]
  expect(leases(dir)).toHaveLength(2)
  const second = await build(dir, linking('second.com'))
  await one.close()
  expect(generations(dir)).toEqual([first, second])
  expect(await readSites(other)).toEqual(['first.com'])
  await other.close()
  await other.close()
  expect(generations(dir)).toEqual([second])
  expect(leases(dir)).toEqual([])
})

test('the live generation stays without readers', async () => {
  const dir = temporaryFolder()
  const id = await build(dir, linking('first.com'))
  const index = await (await engineFor(dir)).open()
  await index.close()
  expect(generations(dir)).toEqual([id])
})

test('the lease of a killed process does not keep its generation', async () => {
  const dir = temporaryFolder()
  const first = await build(dir, linking('first.com'))
  const script = `
    import { leaseLiveGeneration } from './webindex/leases.ts'
    await leaseLiveGeneration(process.argv[1])
    console.log('reading')
    setInterval(() => {}, 60_000)`
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
  const second = await build(dir, linking('second.com'))
  expect(generations(dir)).toEqual([first, second])
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
  const third = await build(dir, linking('third.com'))
  expect(generations(dir)).toEqual([third])
  expect(leases(dir)).toEqual([])
})

test('the lease of another machine expires a minute after its last renewal', async () => {
  const dir = temporaryFolder()
  const first = await build(dir, linking('first.com'))
  const { end } = await leaseLiveGeneration(dir)
  const lease = join(dir, 'uses', `${first}.0.json`)
  writeFileSync(lease, JSON.stringify({ pid: 1, startedAt: 1, hostname: 'elsewhere' }))
  const second = await build(dir, linking('second.com'))
  await end()
  expect(generations(dir)).toEqual([first, second])
  const longAgo = new Date(Date.now() - 61_000)
  utimesSync(lease, longAgo, longAgo)
  const third = await build(dir, linking('third.com'))
  expect(generations(dir)).toEqual([third])
})

test('a read fails with GenerationGone if its generation was deleted', async () => {
  const dir = temporaryFolder()
  const id = await build(dir, linking('first.com'))
  const index = await (await engineFor(dir)).open()
  rmSync(join(dir, `gen-${id}`), { recursive: true })
  await expect(readSites(index)).rejects.toThrow(GenerationGone)
  await index.close()
})

test('each read sees exactly one generation while builds replace it', async () => {
  const dir = temporaryFolder()
  const engine = await engineFor(dir)
  // Generation g: 30 sites, each linking from a page whose path is g.
  const pagesOf = (g: number) =>
    Array.from({ length: 30 }, (_, n) =>
      pageAt(`https://site${n}.com/${g}`, ['https://target.com/']),
    )
  await build(dir, pagesOf(0))
  let building = true
  let reads = 0
  const seen = new Set<string>()
  async function reader() {
    while (building) {
      const index = await engine.open()
      const rows = await readRows(index)
      await index.close()
      const generation = new Set(rows.map((row) => new URL(row.sampleUrl ?? '').pathname))
      expect([rows.length, generation.size]).toEqual([30, 1])
      for (const path of generation) seen.add(path)
      reads++
    }
  }
  async function builder() {
    for (let g = 1; g <= 4; g++) await build(dir, pagesOf(g))
    building = false
  }
  await Promise.all([reader(), reader(), reader(), builder()])
  expect(reads).toBeGreaterThan(8)
  expect(seen.size).toBeGreaterThan(2)
  expect(generations(dir)).toHaveLength(1)
})

test('an abort ends a running query at once and leaves the engine usable', async () => {
  const dir = temporaryFolder()
  // 150,000 links to distinct pages, from one site so that all are in one shard.
  const pages = Array.from({ length: 75 }, (_, page) =>
    pageAt(
      `https://big.com/${page}`,
      Array.from({ length: 2000 }, (_, n) =>
        linkTo(`https://target.com/${page}/${n}`, { anchor: `link ${n}` }),
      ),
    ),
  )
  await build(dir, pages, 1)
  const index = await (await engineFor(dir)).open()
  onTestFinished(() => index.close())

  await readRows(index) // Warm-up, so that later reads take as long as the one measured next.
  const spent = processorTime()
  const [row] = await readRows(index)
  const wholeMs = spent()
  expect(row).toMatchObject({
    site: 'big.com',
    links: 150_000,
    linkingPages: 75,
    targetPages: 150_000,
    anchors: 2000,
  })

  for (const delayMs of [0, 1, 3]) {
    const stop = new AbortController()
    const reading = readRows(index, stop.signal)
    let spentSince = processorTime()
    const abort = () => {
      spentSince = processorTime()
      stop.abort(new Error('cancelled'))
    }
    if (delayMs === 0) abort()
    else setTimeout(abort, delayMs)
    await expect(reading).rejects.toThrow('cancelled')
    expect(spentSince()).toBeLessThan(wholeMs / 2)
  }
  expect(await readRows(index)).toEqual([row])
})
