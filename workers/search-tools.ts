import type { SearchTools } from '#searches/search-tools.ts'
import type { IndexEngine, WebIndex } from '#webindex/query/engine.ts'

/** What the searches of this process share. */
export type SharedTools = Omit<SearchTools, 'openIndex'> & { engine: IndexEngine }

/**
 * Hands a run its tools. The index is opened when it is first asked for: not every search reads it,
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
      // It could not be opened: then there is nothing to close, and whoever asked for it was told.
      const index = await opening?.catch(() => null)
      await index?.close()
    },
  }
}
