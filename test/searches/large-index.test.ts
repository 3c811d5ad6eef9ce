import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { targets, writeGeneratedIndex } from '#bench/search/generated-index.ts'
import type { Search } from '#jobs/define-search.ts'
import { SearchFailed } from '#jobs/errors.ts'
import { keywordMetrics } from '#searches/keyword-metrics.ts'
import { keywords } from '#searches/keywords.ts'
import { linkingDomains } from '#searches/linking-domains.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import { processorTime } from '#test/processor-time.ts'
import { createIndexEngine } from '#webindex/query/engine.ts'
import { type Run, runSearch } from './run-search.ts'

const dir = mkdtempSync(join(tmpdir(), 'searchlight-large-index-'))
beforeAll(() => writeGeneratedIndex(dir, { links: 400_000, phrases: 40_000, shards: 2 }), 60_000)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

async function engineWith(limits: { memoryLimitMb?: number; threads?: number } = {}) {
  const engine = await createIndexEngine({ dir, ...limits })
  onTestFinished(() => engine.close())
  return engine
}

const list = Array.from({ length: 5_000 }, (_, n) => `w${n} n${n}`).join('\n')
const searches: [string, Search<SearchTools>, Record<string, unknown>][] = [
  ['linking-domains', linkingDomains, { domain: targets.popular, limit: 10_000 }],
  ['keywords', keywords, { q: 'w0', limit: 10_000 }],
  ['keyword-metrics', keywordMetrics, { keywords: list }],
]

test.each(searches)('an abort ends %s at any moment', async (_, search, input) => {
  const engine = await engineWith()
  const started = performance.now()
  const spent = processorTime()
  const whole = await runSearch(search, engine, input)
  const [wholeMs, wholeSpentMs] = [performance.now() - started, spent()]
  for (const part of [0.05, 0.3, 0.6]) {
    const stop = new AbortController()
    const running = runSearch(search, engine, input, { stop }).catch((error: unknown) => error)
    await Promise.race([delay(wholeMs * part), running])
    const spentSince = processorTime()
    stop.abort(new Error('cancelled'))
    const ended = await running
    expect(spentSince()).toBeLessThan(wholeSpentMs / 2)
    // The search may have completed before the abort.
    if (ended instanceof Error) expect(ended.message).toBe('cancelled')
    else expect(ended).toMatchObject({ rows: whole.rows })
  }
  const run: Run = { rows: [], notes: [], steps: [] }
  const stop = new AbortController()
  const onRow = () => stop.abort(new Error('cancelled at the first row'))
  await expect(runSearch(search, engine, input, { stop, run, onRow })).rejects.toThrow('cancelled')
  expect(run.rows.length).toBeLessThan(whole.rows.length)
  expect((await runSearch(search, engine, input)).rows).toEqual(whole.rows)
})

test('eight concurrent searches, where barely two fit into memory, return the same rows', async () => {
  const [, search, input] = searches[0] ?? []
  if (!search || !input) throw new TypeError('There is no search')
  const alone = await runSearch(search, await engineWith(), input)
  expect(alone.rows.length).toBeGreaterThan(5_000)
  const tight = await engineWith({ memoryLimitMb: 32, threads: 4 })
  const all = await Promise.all(Array.from({ length: 8 }, () => runSearch(search, tight, input)))
  for (const { rows, notes } of all) {
    expect(rows).toEqual(alone.rows)
    expect(notes).toEqual(alone.notes)
  }
})

test('a search that needs more memory than allowed fails with that reason', async () => {
  const engine = await engineWith({ memoryLimitMb: 4, threads: 1 })
  const running = runSearch(linkingDomains, engine, { domain: targets.popular })
  await expect(running).rejects.toThrow(SearchFailed)
  await expect(running).rejects.toThrow('needs more memory than searches may use here (4 MB)')
})

test.each(searches)(
  '%s yields to the event loop at least every 1,000 rows',
  async (_, search, input) => {
    const engine = await engineWith()
    let [rowsSinceYield, maxRows] = [0, 0]
    let running = true
    const beat = () => {
      rowsSinceYield = 0
      if (running) setImmediate(beat)
    }
    beat()
    const onRow = () => {
      maxRows = Math.max(maxRows, ++rowsSinceYield)
    }
    const { rows } = await runSearch(search, engine, input, { onRow })
    running = false
    expect(rows.length).toBeGreaterThan(1_500)
    expect(maxRows).toBeLessThanOrEqual(1_000)
  },
)
