import { expect, test } from 'vitest'
import { dice } from '#test/searches/run-search.ts'
import { collect } from '#test/webindex/index-fixture.ts'
import { readTop, type TopPart } from '#webindex/query/read-top.ts'
import { byCodePoint } from '#webindex/query/top-rows.ts'

const { signal } = new AbortController()
const descending = (a: number, b: number) => b - a

/** Reads the top of these shards as a query would. @returns all parts, and the limits asked for. */
async function topOf(shards: number[][], limit: number) {
  const limits: number[] = []
  const parts: TopPart<number>[] = await collect(
    readTop(
      [...shards.keys()],
      async (some, wanted) => {
        limits.push(wanted.limit)
        const all = some.flatMap((shard) => shards[shard] ?? [])
        const useful = all.filter((n) => wanted.floor === undefined || n >= wanted.floor)
        const rows = useful.sort(descending).slice(0, wanted.limit)
        return { read: { rows, read: some.length, broken: [] }, found: all.length }
      },
      { limit, compare: descending, keyOf: String, signal },
    ),
  )
  return { parts, limits, rows: parts.at(-1)?.rows ?? [] }
}

test('the top rows are found however unevenly shards hold them', async () => {
  const pick = dice(11)
  const numbers = Array.from({ length: 3_000 }, (_, n) => n)
  const spreads = [
    (n: number) => n % 16, // Evenly.
    (n: number) => (n >= 2_000 ? 5 : n % 16), // All top rows in one shard.
    (n: number) => Math.floor(n / 200), // In order, the top rows last.
    (n: number) => 15 - Math.floor(n / 200), // In order, the top rows first.
    () => 0,
    () => pick([0, 3, 3, 3, 9]),
  ]
  for (const shardOf of spreads) {
    const shards: number[][] = Array.from({ length: 16 }, () => [])
    for (const n of numbers) shards[shardOf(n)]?.push(n)
    for (const limit of [1, 10, 500, 2_999, 3_000, 10_000]) {
      const { rows, parts } = await topOf(shards, limit)
      expect(rows).toEqual(numbers.slice(-limit).reverse())
      expect(parts.at(-1)).toMatchObject({ found: 3_000, done: 16 })
    }
  }
})

test('shards that hold about the same number of top rows are read once', async () => {
  const shards = Array.from({ length: 16 }, (_, shard) =>
    Array.from({ length: 1_000 }, (_, n) => n * 16 + shard),
  )
  const { limits, parts } = await topOf(shards, 1_600)
  expect(limits).toHaveLength(parts.length)
  expect(Math.max(...limits)).toBeLessThan(1_600)
})

test('texts are ordered by code point, as in UTF-8', () => {
  const texts = ['', 'a', 'ab', 'b', 'é', '\u{ffee}', '\u{10000}', '\u{10000}a', '\u{1f600}']
  const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  for (const a of texts)
    for (const b of texts) expect(Math.sign(byCodePoint(a, b))).toBe(bytewise(a, b))
})
