import type { EarlierSearch, SearchTools } from '#searches/search-tools.ts'
import type { IndexEngine, WebIndex } from '#webindex/query/engine.ts'

/** Tools that all searches of this process share. */
export type SharedTools = Omit<SearchTools, 'openIndex' | 'findEarlier'> & {
  engine: IndexEngine
  findEarlier(id: string, job: string): Promise<EarlierSearch | null>
}

/**
 * Creates the tools of one run of this job. The index is opened at first use, because not every search reads it
 * and there may be none yet.
 */
export function openTools(
  job: string,
  { engine, findEarlier, ...shared }: SharedTools,
): SearchTools & { close(): Promise<void> } {
  let opening: Promise<WebIndex> | null = null
  return {
    ...shared,
    openIndex() {
      opening ??= engine.open()
      return opening
    },
    findEarlier: (id) => findEarlier(id, job),
    async close() {
      // If opening failed, there is nothing to close, and the search has got the error.
      const index = await opening?.catch(() => null)
      await index?.close()
    },
  }
}
