import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Row } from '#jobs/define-search.ts'
import { SearchFailed } from '#jobs/errors.ts'
import { keywordMetrics } from '#searches/keyword-metrics.ts'
import { pageAt } from '#test/webindex/index-fixture.ts'
import { readManifest } from '#webindex/manifest.ts'
import type { IndexEngine } from '#webindex/query/engine.ts'
import { breakFile } from './break-file.ts'
import { counted, phraseItems, queries, queryLogOf } from './phrase-facts.ts'
import { builtIndex, engineOf, engineOver, runSearch } from './run-search.ts'

const lookUp = (engine: IndexEngine, lines: string[], options?: Parameters<typeof runSearch>[3]) =>
  runSearch(keywordMetrics, engine, { keywords: lines.join('\n') }, options)

/** The expected row, counted from the raw pages and queries. */
function expectedRow(keyword: string, { log = true } = {}): Row {
  const long = keyword.split(' ').length > 4
  const none = { uses: 0, pages: 0, sites: 0, in_title: 0, in_anchor: 0, iaat: 0 }
  const unknown = {
    uses: null,
    pages: null,
    sites: null,
    in_title: null,
    in_anchor: null,
    iaat: null,
  }
  const counts = long ? unknown : (counted.get(keyword) ?? none)
  const logged = log ? queryLogOf(keyword) : null
  const searches = log ? (logged?.searches ?? 0) : null
  return {
    keyword,
    ...counts,
    searches,
    kei: searches === null || !counts.in_anchor ? null : (searches * searches) / counts.in_anchor,
    kei3: searches === null || !counts.iaat ? null : searches / counts.iaat,
    clicks: log ? (logged?.clicks ?? 0) : null,
    position: logged?.position ?? null,
  }
}

describe('every number matches a plain count of the raw pages and queries', () => {
  const known = [...counted.keys()]
  const lines = [
    ...known,
    'absent',
    'quite absent',
    'five words that are absent',
    ...queries.map(({ query }) => query.toLowerCase().replace('-', ' ')),
  ]
  const keywords = [...new Set(lines)]

  test('in line order, with zeros for absent keywords', async () => {
    const { rows } = await lookUp(await engineOver(phraseItems()), keywords)
    expect(keywords.length).toBeGreaterThan(150)
    expect(rows.map((row) => row.keyword)).toEqual(keywords)
    for (const row of rows) expect(row).toEqual(expectedRow(String(row.keyword)))
    expect(rows.filter((row) => row.kei3 !== null).length).toBeGreaterThan(0)
  })

  test('searches, clicks and KEI are null without a query log', async () => {
    const few = keywords.slice(0, 40)
    const { rows, notes } = await lookUp(await engineOver(phraseItems({ withQueries: false })), few)
    for (const row of rows) expect(row).toEqual(expectedRow(String(row.keyword), { log: false }))
    expect(notes.at(-1)).toMatch(/no query log.*npm run index -- add search-console/)
  })
})

test('KEI and KEI3 follow their formulas and are null if the divisor is 0', async () => {
  const to = 'https://b.com/'
  const link = { href: to, anchor: 'red kite', nofollow: false, kind: 'text' } as const
  const engine = await engineOver([
    { page: pageAt('https://a.com/', [link, { ...link, href: 'https://c.com/' }]) },
    { page: pageAt(to, [], { title: 'Red kite' }) },
    { query: { query: 'red kite', searches: 30, clicks: 0, position: null } },
    { query: { query: 'blue kite', searches: 30, clicks: 0, position: null } },
  ])
  const { rows } = await lookUp(engine, ['red kite', 'blue kite', 'red'])
  expect(rows).toMatchObject([
    { searches: 30, in_anchor: 2, iaat: 1, kei: 450, kei3: 30 },
    { searches: 30, in_anchor: 0, iaat: 0, kei: null, kei3: null },
    { searches: 0, in_anchor: 2, iaat: 1, kei: 0, kei3: 0 },
  ])
})

test('each line is a keyword: commas stay, blank lines are dropped, repeats are merged, unusable lines are noted', async () => {
  const lines = [
    'Redis, Queue',
    '',
    '  web socket ',
    'REDIS QUEUE',
    'redis-queue',
    '!?',
    '…',
    'one two three four five six seven eight nine ten eleven',
    'x'.repeat(100),
    'y '.repeat(150),
  ]
  const { rows, notes } = await runSearch(keywordMetrics, await engineOver(phraseItems()), {
    keywords: lines.join('\r\n'),
  })
  expect(rows.map((row) => row.keyword)).toEqual(['Redis, Queue', 'web socket'])
  expect(rows[0]).toEqual({ ...expectedRow('redis queue'), keyword: 'Redis, Queue' })
  expect(notes.slice(1)).toEqual([
    'Merged 2 lines that repeat an earlier keyword.',
    'Skipped 2 lines that have no letter or digit, the first: “!?”.',
    'Skipped 1 line that has more than 10 words: “one two three four five six seven eight nine ten eleven”.',
    `Skipped 1 line that has only words too long to index: “${'x'.repeat(60)}…”.`,
    expect.stringMatching(/^Skipped 1 line that has more than 200 characters: “y y .*…”\.$/),
  ])
})

test('a long list yields each row once and in order', async () => {
  const lines = Array.from({ length: 2500 }, (_, n) =>
    n % 10 === 0 ? `redis ${n}` : `nothing ${n}`,
  )
  lines[2222] = 'redis'
  const { rows, steps } = await lookUp(await engineOver(phraseItems()), lines)
  expect(rows.map((row) => row.keyword)).toEqual(lines)
  expect(rows[2222]).toEqual(expectedRow('redis'))
  expect(rows.filter((row) => row.pages !== 0)).toHaveLength(1)
  const done = steps.map((step) => step.done)
  expect(done).toEqual(done.toSorted((a, b) => a - b))
  expect(done[0]).toBe(0)
  expect(steps.at(-1)).toEqual({
    phase: 'Looking up keywords',
    done: 2500,
    total: 2500,
    unit: 'keywords',
  })
})

test('keywords in a broken file are null, not zero; the search fails if every file is broken', async () => {
  const dir = await builtIndex(phraseItems(), { shards: 4 })
  const engine = await engineOf(dir)
  const lines = [...counted.keys()].slice(0, 60)
  const { tables } = await readManifest(dir)
  const [first, ...others] = tables.phrases.shards.map((shard) => join(dir, shard.file))
  await breakFile(first ?? '', 'truncated')
  const { rows, notes } = await lookUp(engine, lines)
  expect(rows.map((row) => row.keyword)).toEqual(lines)
  const unknown = rows.filter((row) => row.pages === null)
  expect(unknown.length).toBeGreaterThan(0)
  for (const row of rows)
    if (!unknown.includes(row)) expect(row).toEqual(expectedRow(String(row.keyword)))
  for (const { keyword: _, ...row } of unknown)
    expect(new Set(Object.values(row))).toEqual(new Set([null]))
  expect(notes.filter((note) => note.startsWith('Could not read'))).toEqual([
    expect.stringContaining('phrases-00.parquet (it is cut off'),
  ])
  for (const file of others) await breakFile(file, 'emptied')
  await expect(lookUp(engine, lines)).rejects.toThrow(SearchFailed)
})

test('an index whose phrases are in the wrong shards is refused', async () => {
  const dir = await builtIndex(phraseItems(), { shards: 2 })
  const { tables } = await readManifest(dir)
  const [first = '', second = ''] = tables.phrases.shards.map((shard) => join(dir, shard.file))
  renameSync(first, `${first}.aside`)
  renameSync(second, first)
  renameSync(`${first}.aside`, second)
  const running = lookUp(await engineOf(dir), ['redis'])
  await expect(running).rejects.toThrow(SearchFailed)
  await expect(running).rejects.toThrow('not where this version of DuckDB looks for them')
})

test('an abort between two rows ends the search at once', async () => {
  const stop = new AbortController()
  const run = { rows: [] as Row[], notes: [], steps: [] }
  const running = lookUp(await engineOver(phraseItems()), ['redis', 'queue'], {
    stop,
    run,
    onRow: () => stop.abort(new Error('cancelled')),
  })
  await expect(running).rejects.toThrow('cancelled')
  expect(run.rows).toHaveLength(1)
})

test.each([
  [{}, /./],
  [{ keywords: ' \n \n' }, /Enter at least one keyword/],
  [{ keywords: 'a\n'.repeat(10_001) }, /Too many keywords \(10,001\): enter at most 10,000/],
  [{ keywords: 'a'.repeat(200_001) }, /at most 200,000 characters/],
])('input %# is refused', (input, message) => {
  const [issue] = keywordMetrics.input.safeParse(input).error?.issues ?? []
  expect(issue?.path).toEqual(['keywords'])
  expect(issue?.message).toMatch(message)
})

test('10,000 lines with blank lines between them are accepted', () => {
  expect(keywordMetrics.input.safeParse({ keywords: 'a\n\n'.repeat(10_000) }).success).toBe(true)
})
