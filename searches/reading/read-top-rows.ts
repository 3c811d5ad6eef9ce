import type { SearchContext } from '#jobs/define-search.ts'
import type { TopPart } from '#webindex/query/read-top.ts'
import { readIndex } from './read-index.ts'

/** Numbers of rows: all that the query has found, and those that its filter left out. */
export interface TopCounts {
  found: number
  leftOut: number
}

/**
 * Reads the rows of a query for the top ones, and reports its progress in shards.
 * @returns the rows in batches, and counts that are final after the last batch
 */
export function readTopRows<Row>(
  parts: AsyncIterable<TopPart<Row>>,
  { phase, shards }: { phase: string; shards: number },
  { progress, note }: Pick<SearchContext<unknown>, 'progress' | 'note'>,
): { batches: AsyncIterable<Row[]>; counts: TopCounts } {
  const counts = { found: 0, leftOut: 0 }
  async function* batches(): AsyncGenerator<Row[]> {
    progress({ phase, done: 0, total: shards, unit: 'shards' })
    for await (const { rows, done, found, leftOut } of readIndex(parts, note)) {
      Object.assign(counts, { found, leftOut })
      progress({ phase, done, total: shards, unit: 'shards' })
      yield rows
    }
  }
  return { batches: batches(), counts }
}
