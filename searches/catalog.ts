import type { Search } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import { bulkDomains } from './bulk-domains.ts'
import { indexBuild } from './index-build.ts'
import { keywordMetrics } from './keyword-metrics.ts'
import { keywords } from './keywords.ts'
import { linkGap } from './link-gap.ts'
import { linkingDomains } from './linking-domains.ts'
import { lostLinks } from './lost-links.ts'
import { siteCrawl } from './site-crawl.ts'

/** All search types, in the order in which the page offers them. */
export const catalog: readonly Search<SearchTools>[] = [
  linkingDomains,
  linkGap,
  bulkDomains,
  lostLinks,
  keywords,
  keywordMetrics,
  siteCrawl,
  indexBuild,
]

export function findSearch(name: string): Search<SearchTools> | undefined {
  return catalog.find((search) => search.name === name)
}
