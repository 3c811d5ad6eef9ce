import type { SearchContext } from '#jobs/define-search.ts'
import type { TopPart } from '#webindex/query/read-top.ts'
import { readIndex } from './read-index.ts'

/** Numbers of rows: those yielded, those that a search without limit would yield, those filtered out. */
export interface TopCounts {
  shown: number
  found: number
  leftOut: number
}

/**
 * Yields the rows of a query for the top ones, and reports its progress in shards.
 * @throws as readIndex
 */
export async function* readTopRows<Found, Row>(
  parts: AsyncIterable<TopPart<Found>>,
  { phase, shards, toRow }: { phase: string; shards: number; toRow(found: Found): Row },
  { signal, progress, note }: Pick<SearchContext<unknown>, 'signal' | 'progress' | 'note'>,
): AsyncGenerator<Row, TopCounts> {
  const counts = { shown: 0, found: 0, leftOut: 0 }
  progress({ phase, done: 0, total: shards, unit: 'shards' })
  for await (const { rows, done, found, leftOut } of readIndex(parts, note)) {
    Object.assign(counts, { found, leftOut })
    progress({ phase, done, total: shards, unit: 'shards' })
    for (const row of rows) {
      counts.shown++
      yield toRow(row)
      signal.throwIfAborted()
    }
  }
  return counts
}
