import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Row } from '#jobs/define-search.ts'
import { SearchFailed } from '#jobs/errors.ts'
import { keywords } from '#searches/keywords.ts'
import { readManifest } from '#webindex/manifest.ts'
import type { IndexEngine } from '#webindex/query/engine.ts'
import { breakFile } from './break-file.ts'
import { counted, phraseItems, queries, queryLogOf } from './phrase-facts.ts'
import { builtIndex, engineOf, engineOver, runSearch } from './run-search.ts'

const search = (
  engine: IndexEngine,
  input: Record<string, unknown>,
  options?: Parameters<typeof runSearch>[3],
) => runSearch(keywords, engine, { limit: 10_000, ...input }, options)
const bytewise = (a: unknown, b: unknown) =>
  Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)))
/** The order that the type names: searches, sites, pages, uses, phrase. */
const topFirst = (a: Row, b: Row) =>
  ['searches', 'sites', 'pages', 'uses']
    .map((key) => Number(b[key] ?? 0) - Number(a[key] ?? 0))
    .find((difference) => difference !== 0) ?? bytewise(a.phrase, b.phrase)

/** The expected rows, counted from the raw pages and queries. */
function expectedRows({
  q,
  match,
  minPages,
  log = true,
}: {
  q: string[]
  match: string
  minPages: number
  log?: boolean
}): Row[] {
  const all = new Set([
    ...counted.keys(),
    ...(log ? queries.map(({ query }) => query.toLowerCase().replace('-', ' ')) : []),
  ])
  return [...all].flatMap((phrase) => {
    const words = phrase.split(' ')
    const adjacent = words.some((_, from) => q.every((word, at) => words[from + at] === word))
    if (!(match === 'phrase' ? adjacent : q.every((word) => words.includes(word)))) return []
    const long = words.length > 4
    const { iaat: _, ...counts } = counted.get(phrase) ?? {
      uses: 0,
      pages: 0,
      sites: 0,
      in_title: 0,
      in_anchor: 0,
      iaat: 0,
    }
    if (minPages > (long ? 0 : counts.pages)) return []
    const logged = queryLogOf(phrase)
    return {
      phrase,
      words: words.length,
      ...(long
        ? { uses: null, pages: null, sites: null, in_title: null, in_anchor: null }
        : counts),
      searches: log ? (logged?.searches ?? 0) : null,
      clicks: log ? (logged?.clicks ?? 0) : null,
      position: log ? (logged?.position ?? null) : null,
      variants: null,
    }
  })
}

test('every number matches a plain count of the raw pages and queries', async () => {
  const engine = await engineOver(phraseItems())
  let rows = 0
  for (const q of [
    ['redis'],
    ['web', 'socket'],
    ['socket', 'web'],
    ['redis', 'redis'],
    ['queue', 'event', 'redis'],
    ["don't"],
    ['c++'],
    ['café', 'node'],
    ['run', 'a', 'redis'],
    ['absent'],
  ])
    for (const match of ['phrase', 'all_words'])
      for (const minPages of [0, 1, 2, 5]) {
        const found = await search(engine, { q: q.join(' '), match, minPages })
        expect(found.rows, `${q} ${match} ${minPages}`).toEqual(
          expectedRows({ q, match, minPages }).sort(topFirst),
        )
        rows += found.rows.length
      }
  expect(rows).toBeGreaterThan(500)
})

test('searches are null, not zero, without a query log', async () => {
  const engine = await engineOver(phraseItems({ withQueries: false }))
  const { rows } = await search(engine, { q: 'node', minPages: 1 })
  expect(rows).toEqual(
    expectedRows({ q: ['node'], match: 'phrase', minPages: 1, log: false }).sort(topFirst),
  )
  expect(rows[0]).toMatchObject({ searches: null, clicks: null, position: null })
})

test.each([
  ['Redis  QUEUE!', 'redis queue'],
  ['“web-socket”', 'web socket'],
  ['CAFÉ', 'café'],
  ['C++', 'c++'],
  ['don’t', "don't"],
])('%s is normalised to %s', async (written, phrase) => {
  const engine = await engineOver(phraseItems())
  const { rows } = await search(engine, { q: written })
  expect(rows.length).toBeGreaterThan(0)
  expect(rows).toEqual((await search(engine, { q: phrase })).rows)
})

describe('a run', () => {
  test('notes its generation and reports progress', async () => {
    const { notes, steps } = await search(await engineOver(phraseItems(), { shards: 1 }), {
      q: 'redis',
    })
    expect(notes).toEqual([
      expect.stringMatching(
        /^Reading the index of 2026-05-06 07:08 UTC \(generation .*\): 24 pages, \d+ phrases, [\d.]+ MB\.$/,
      ),
    ])
    expect(steps).toEqual(
      [0, 1].map((done) => ({ phase: 'Ranking phrases', done, total: 1, unit: 'shards' })),
    )
  })

  test('returns the top rows for every limit and says how many it left out', async () => {
    const engine = await engineOver(phraseItems())
    const all = (await search(engine, { q: 'redis' })).rows
    for (const limit of [1, 7, all.length - 1]) {
      const { rows, notes } = await search(engine, { q: 'redis', limit })
      expect(rows).toEqual(all.slice(0, limit))
      expect(notes.at(-1)).toBe(
        `The top ${limit} of ${all.length} phrases, by searches, then sites, then pages. The limit left out the others.`,
      )
    }
    expect((await search(engine, { q: 'redis', limit: all.length })).notes).toHaveLength(1)
  })

  test('without results suggests how to find more', async () => {
    const engine = await engineOver(phraseItems())
    expect((await search(engine, { q: 'node absent', minPages: 3 })).notes.at(-1)).toMatch(
      /^No phrase in this index contains “node absent” and is on at least 3 pages\. Choose “All words” to find them in any order\. Set “Minimum pages” to 0 to include phrases on fewer pages or only in query logs\. The index covers only 5 sites \(fixture, 24 pages\).*npm run index -- add/,
    )
    expect((await search(engine, { q: 'absent', minPages: 0 })).notes.at(-1)).toMatch(
      /^No phrase in this index contains “absent”\. The index covers/,
    )
  })

  test('notes a broken file and continues; fails if every file is broken', async () => {
    const dir = await builtIndex(phraseItems(), { shards: 4 })
    const engine = await engineOf(dir)
    const whole = (await search(engine, { q: 'redis' })).rows
    const { tables } = await readManifest(dir)
    const [first, ...others] = tables.phrases.shards.map((shard) => join(dir, shard.file))
    await breakFile(first ?? '', 'overwritten')
    const { rows, notes } = await search(engine, { q: 'redis' })
    expect(whole).toEqual(expect.arrayContaining(rows))
    expect(rows.length).toBeLessThan(whole.length)
    expect(notes[1]).toMatch(
      /^Could not read gen-[\w-]+\/phrases-00\.parquet \(it is damaged: .*\)\. Its contents are missing from these results\.$/,
    )
    for (const file of others) await breakFile(file, 'missing')
    await expect(search(engine, { q: 'redis' })).rejects.toThrow(SearchFailed)
  })

  test('ends at once on an abort between two rows', async () => {
    const stop = new AbortController()
    const run = { rows: [] as Row[], notes: [], steps: [] }
    const running = search(
      await engineOver(phraseItems()),
      { q: 'redis' },
      { stop, run, onRow: () => stop.abort(new Error('cancelled')) },
    )
    await expect(running).rejects.toThrow('cancelled')
    expect(run.rows).toHaveLength(1)
  })
})

test('every input but the words has a default', () => {
  expect(keywords.input.parse({ q: ' web socket ' })).toEqual({
    q: 'web socket',
    match: 'phrase',
    questions: false,
    fragments: false,
    fold: false,
    minPages: 1,
    limit: 1000,
  })
})

test.each([
  [{}, 'q', /./],
  [{ q: ' ' }, 'q', /Enter a word/],
  [{ q: '!? …' }, 'q', /no letter or digit/],
  [{ q: 'a'.repeat(100) }, 'q', /only words too long to index/],
  [{ q: 'one two three four five six seven eight nine ten eleven' }, 'q', /more than 10 words/],
  [{ q: 'ab '.repeat(70) }, 'q', /at most 200 characters/],
  [{ q: 'a', match: 'any' }, 'match', /./],
  [{ q: 'a', minPages: -1 }, 'minPages', /./],
  [{ q: 'a', limit: 10_001 }, 'limit', /./],
])('%j is refused at %s', (input, field, message) => {
  const [issue] = keywords.input.safeParse(input).error?.issues ?? []
  expect(issue?.path).toEqual([field])
  expect(issue?.message).toMatch(message)
})
