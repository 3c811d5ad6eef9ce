import type { WebIndex } from '#webindex/engine.ts'
import type { SearchTools } from '#webindex/search-tools.ts'

/** The tools of a search that reads this index and needs nothing else. */
export function toolsOver(index: WebIndex, others: Partial<SearchTools> = {}): SearchTools {
  return {
    openIndex: async () => index,
    get web(): never {
      throw new Error('This test gives its search no web')
    },
    get builds(): never {
      throw new Error('This test gives its search no builds')
    },
    get imports(): never {
      throw new Error('This test gives its search no imports')
    },
    ...others,
  }
}
