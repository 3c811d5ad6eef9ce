import type { SearchTools } from '#searches/search-tools.ts'
import type { WebIndex } from '#webindex/query/engine.ts'

function missing(tool: string) {
  return (): never => {
    throw new Error(`This test provides no ${tool}`)
  }
}

/** Tools for a search that only reads this index. */
export function toolsOver(index: WebIndex, others: Partial<SearchTools> = {}): SearchTools {
  return toolsWith({ openIndex: async () => index, ...others })
}

/** The given tools; all others throw. */
export function toolsWith(tools: Partial<SearchTools>): SearchTools {
  return {
    openIndex: missing('index'),
    web: { crawl: missing('web'), verifyLinks: missing('web') },
    builds: { add: missing('builds'), remove: missing('builds'), compact: missing('builds') },
    imports: { find: missing('imports') },
    findEarlier: missing('earlier searches'),
    ...tools,
  }
}
