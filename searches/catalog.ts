import type { Search } from '#jobs/define-search.ts'
import type { WebIndex } from '#webindex/engine.ts'
import { linkingDomains } from './linking-domains.ts'

/** Every type of search that can be run, in the order in which people are offered them. */
export const catalog: readonly Search<WebIndex>[] = [linkingDomains]

export function findSearch(name: string): Search<WebIndex> | undefined {
  return catalog.find((search) => search.name === name)
}
