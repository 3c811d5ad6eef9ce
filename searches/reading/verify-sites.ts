import { setImmediate as nextTurn } from 'node:timers/promises'
import { NoNetwork } from '#crawler/errors.ts'
import type { LinkStatus } from '#crawler/web.ts'
import type { SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import type { ReferringDomain } from '#webindex/query/referring-domains.ts'

/** `status` is null for a site whose page was not visited. */
interface VerifiedSite {
  site: ReferringDomain
  status: LinkStatus | null
}

/**
 * First the sites that are not verified, then the others as their sample pages have been visited:
 * those with most links. Without a network the rest stays as it is, and a note says so.
 */
export async function* verifySites(
  sites: ReferringDomain[],
  { most, isTarget }: { most: number; isTarget(href: string): boolean },
  { web, signal, progress, note }: SearchContext<SearchTools>,
): AsyncGenerator<VerifiedSite> {
  const chosen = sites
    .flatMap((site) =>
      site.sampleUrl === null ? [] : [{ site, sourceUrl: site.sampleUrl, isTarget }],
    )
    .sort((a, b) => (b.site.links ?? 0) - (a.site.links ?? 0))
    .slice(0, most)
  const waiting = new Set(chosen.map(({ site }) => site))
  for (const [n, site] of sites.entries()) {
    if (!waiting.has(site)) yield { site, status: null }
    if (n % 500 === 499) await nextTurn()
    signal.throwIfAborted()
  }

  const phase = { phase: 'Verifying links', total: chosen.length, unit: 'sites' }
  progress({ ...phase, done: 0 })
  if (chosen.length === 0) return
  try {
    for await (const { link, status } of web.verifyLinks(chosen, { signal })) {
      if (!waiting.delete(link.site)) continue
      yield { site: link.site, status }
      progress({ ...phase, done: chosen.length - waiting.size })
    }
  } catch (error) {
    if (!(error instanceof NoNetwork)) throw error
    note(
      `Stopped verifying, the other ${waiting.size.toLocaleString('en')} sites are as the index knows them. ${error.message}`,
    )
  }
  for (const site of waiting) yield { site, status: null }
}
