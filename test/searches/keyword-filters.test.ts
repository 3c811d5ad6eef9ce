import { expect, test } from 'vitest'
import type { Row } from '#jobs/define-search.ts'
import { keywords } from '#searches/keywords.ts'
import { pageAt } from '#test/webindex/index-fixture.ts'
import type { IndexEngine } from '#webindex/query/engine.ts'
import { languages, languagesOf } from '#webindex/query/languages.ts'
import type { SourceItem } from '#webindex/source.ts'
import { engineOver, runSearch } from './run-search.ts'

/** Each text is on this many pages, each of another site. */
function pagesWith(texts: Record<string, number>): SourceItem[] {
  return Object.entries(texts).flatMap(([text, count], n) =>
    Array.from({ length: count }, (_, k) => ({
      page: pageAt(`https://site${n}-${k}.com/`, [], { text }),
    })),
  )
}

const texts = {
  'the queue of a worker': 6,
  'how to drain queue quickly': 3,
  'when a queue stops': 2,
  'this queue and queue from': 2,
  'job queue': 8,
  'job queues': 4,
  'queue job': 2,
  'big queue, big queues, queues big': 3,
  'queue to worker': 5,
  'worker to queue': 3,
  'queue with retries': 2,
}

async function phrasesOf(engine: IndexEngine, input: Record<string, unknown>) {
  const { rows, notes } = await runSearch(keywords, engine, { q: 'queue', ...input })
  return { rows, phrases: rows.map(({ phrase }) => String(phrase)), notes }
}

test('fragments are left out, counted, and shown on request', async () => {
  const engine = await engineOver(pagesWith(texts))
  const all = await phrasesOf(engine, { fragments: true })
  const kept = await phrasesOf(engine, {})
  const isFunctionWord = (word = '') => languages[0]?.functionWords.includes(word)
  const worthReading = all.phrases.filter((phrase) => {
    const words = phrase.split(' ')
    const begins = isFunctionWord(words[0]) && !phrase.startsWith('how to ')
    return !begins && !isFunctionWord(words.at(-1))
  })
  expect(kept.phrases).toEqual(worthReading)
  expect(kept.phrases).toEqual(expect.arrayContaining(['how to drain queue', 'queue to worker']))
  expect(all.phrases).toEqual(expect.arrayContaining(['the queue of a', 'when a queue stops']))
  const left = all.phrases.length - kept.phrases.length
  expect(left).toBeGreaterThan(5)
  expect(kept.notes.slice(1)).toEqual([
    `Left out ${left} fragments: phrases that begin or end with a function word of English. Choose “Include fragments” to see them.`,
  ])
  expect(all.notes).toHaveLength(1)
})

test('function words that are asked for, and logged queries, make no fragments', async () => {
  const query = { query: 'the queue', searches: 5, clicks: 0, position: null }
  const engine = await engineOver([...pagesWith(texts), { query }])
  expect((await phrasesOf(engine, {})).phrases[0]).toBe('the queue')
  const { phrases } = await phrasesOf(engine, { q: 'to' })
  expect(phrases).toEqual(expect.arrayContaining(['to', 'to worker', 'how to drain']))
  expect(phrases).not.toContain('when to')
})

test('questions can be asked for alone', async () => {
  const engine = await engineOver(pagesWith(texts))
  expect((await phrasesOf(engine, { questions: true })).phrases).toEqual(['how to drain queue'])
  const { notes } = await phrasesOf(engine, { q: 'job', questions: true })
  expect(notes.at(-1)).toMatch(
    /^No question in this index contains “job”\. Switch off “Questions only”/,
  )
})

/** The variants of a phrase by the rules in docs/searches.md, without SQL. */
function keyOf(phrase: string): string {
  const words = phrase.split(' ')
  if (words.some((word) => languages[0]?.functionWords.includes(word))) return phrase
  const singular = (word: string) => (/[^s]s$/.test(word) ? word.slice(0, -1) : word)
  return words.map(singular).sort().join(' ')
}

test('variants are merged into their first phrase and counted in all shards', async () => {
  for (const shards of [1, 7]) {
    const engine = await engineOver(pagesWith(texts), { shards })
    const apart = await phrasesOf(engine, { match: 'all_words', q: 'queue' })
    const merged = await phrasesOf(engine, { match: 'all_words', q: 'queue', fold: true })
    const groups = new Map<string, Row[]>()
    for (const row of apart.rows) {
      const key = keyOf(String(row.phrase))
      groups.set(key, [...(groups.get(key) ?? []), row])
    }
    const expected = [...groups.values()].map((rows) => ({ ...rows[0], variants: rows.length }))
    expect(merged.notes).toEqual(apart.notes)
    expect(merged.rows).toEqual(expected)
    expect(merged.rows.find((row) => row.phrase === 'job queue')).toMatchObject({ variants: 2 })
    expect(merged.phrases).toEqual(expect.arrayContaining(['queue to worker', 'worker to queue']))
    for (const limit of [1, 3, expected.length - 1]) {
      const cut = await phrasesOf(engine, { match: 'all_words', q: 'queue', fold: true, limit })
      expect(cut.rows).toEqual(expected.slice(0, limit))
    }
  }
})

test.each([
  ['boxes', 'box'],
  ['queries', 'query'],
  ['matches', 'match'],
  ['classes', 'class'],
  ['names', 'name'],
])('%s is the plural of %s', async (plural, singular) => {
  const engine = await engineOver(pagesWith({ [`queue ${plural}`]: 2, [`queue ${singular}`]: 3 }))
  const { rows } = await phrasesOf(engine, { fold: true })
  expect(rows).toContainEqual(expect.objectContaining({ phrase: `queue ${singular}`, variants: 2 }))
})

test.each(['redis', 'class', 'status', 'gas'])('%s is not taken for a plural', async (word) => {
  const texts = { [`queue ${word}`]: 2, [`queue ${word.slice(0, -1)}`]: 2 }
  const { rows } = await phrasesOf(await engineOver(pagesWith(texts)), { fold: true })
  expect(rows.filter((row) => row.words === 2)).toHaveLength(2)
})

test('a language is recognised from its function words', () => {
  const pages = (words: string, count: number) =>
    words.split(' ').map((word) => [word, count] as const)
  const names = (entries: (readonly [string, number])[], all: number) =>
    languagesOf(new Map(entries), all).map(({ name }) => name)
  expect(names(pages('the and with this from', 900), 1_000)).toEqual(['English'])
  expect(names([...pages('the and with', 900), ...pages('und nicht auch', 6)], 1_000)).toEqual([
    'English',
    'German',
  ])
  expect(names([...pages('the and', 900), ...pages('und nicht auch', 4)], 1_000)).toEqual([])
  expect(names([], 0)).toEqual([])
})
