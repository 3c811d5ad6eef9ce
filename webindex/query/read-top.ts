import { type FilesRead, type Part, readShards } from './read-shards.ts'
import { type TopOrder, TopRows } from './top-rows.ts'

/** A step of a query for the top rows. Only the last one has rows: all of them, in order. */
export interface TopPart<Row> extends Part<Row> {
  /** Rows found so far, of which the top ones are returned. */
  found: number
  /** Rows that the query's filter left out so far. */
  leftOut: number
}

/** What one query returns: the top rows of some shards, and how many rows they have in all. */
export interface TopOfFiles<Row> {
  read: FilesRead<Row>
  found: number
  leftOut?: number
}

/** Which rows a query needs. */
export interface Wanted<Row> {
  limit: number
  /** Rows that come after this one are of no use. */
  floor: Row | undefined
}

/**
 * Reads the top rows of all shards, a few shards at a time. Rows are spread over shards by hash, so
 * each query asks only for the share that its shards are likely to hold, with a margin of four
 * standard deviations (binomial distribution); where that was too few, the query is run again.
 * @param read reads the top rows of some shards, in any order
 */
export async function* readTop<Row>(
  shards: readonly number[],
  read: (
    shards: readonly number[],
    wanted: Wanted<Row>,
    signal: AbortSignal,
  ) => Promise<TopOfFiles<Row>>,
  { signal, ...order }: TopOrder<Row> & { signal: AbortSignal },
): AsyncGenerator<TopPart<Row>> {
  const { limit, compare } = order
  const top = new TopRows(order)
  const cutOff: { shards: readonly number[]; rows: Row[] }[] = []
  let [found, leftOut] = [0, 0]

  async function readShare(some: readonly number[], until: AbortSignal) {
    const share = (limit * some.length) / shards.length
    const wanted = Math.min(limit, Math.ceil(share + 4 * Math.sqrt(share) + 10))
    const result = await read(some, { limit: wanted, floor: top.floor }, until)
    const { rows } = result.read
    if (rows.length >= wanted && wanted < limit) cutOff.push({ shards: some, rows })
    found += result.found
    leftOut += result.leftOut ?? 0
    return result.read
  }

  for await (const { rows, shards: _, ...part } of readShards(shards, readShare, { signal })) {
    top.add(rows)
    if (part.done < shards.length) yield { ...part, rows: [], found, leftOut }
    else yield { ...part, rows: await readRest(), found, leftOut }
  }

  async function readRest(): Promise<Row[]> {
    for (const { shards: some, rows } of cutOff) {
      const { floor } = top
      const allAbove = floor === undefined || rows.every((row) => compare(row, floor) <= 0)
      if (allAbove) top.add((await read(some, { limit, floor }, signal)).read.rows)
    }
    return [...top.rows]
  }
}
