import type { SearchTools } from '#searches/search-tools.ts'
import type { IndexEngine, WebIndex } from '#webindex/query/engine.ts'

/** Tools that all searches of this process share. */
export type SharedTools = Omit<SearchTools, 'openIndex'> & { engine: IndexEngine }

/**
 * Creates the tools of one run. The index is opened at first use, because not every search reads it
 * and there may be none yet.
 */
export function openTools({
  engine,
  ...shared
}: SharedTools): SearchTools & { close(): Promise<void> } {
  let opening: Promise<WebIndex> | null = null
  return {
    ...shared,
    openIndex() {
      opening ??= engine.open()
      return opening
    },
    async close() {
      // If opening failed, there is nothing to close, and the search has got the error.
      const index = await opening?.catch(() => null)
      await index?.close()
    },
  }
}
