import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { NoNetwork } from '#crawler/errors.ts'
import type { LinkStatus } from '#crawler/web.ts'
import type { SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import type { ReferringDomain } from '#webindex/query/referring-domains.ts'

/** `status` is null if the sample page was not visited. */
interface VerifiedDomain {
  domain: ReferringDomain
  status: LinkStatus | null
}

/**
 * Visits the sample pages of the `limit` domains with the most links. Yields the other domains
 * first, then each verified domain as its visit ends. Without a network, notes so and yields the
 * rest unverified.
 */
export async function* verifySamplePages(
  domains: ReferringDomain[],
  { limit, isTarget }: { limit: number; isTarget(href: string): boolean },
  { web, signal, progress, note }: SearchContext<SearchTools>,
): AsyncGenerator<VerifiedDomain> {
  const chosen = domains
    .flatMap((domain) =>
      domain.sampleUrl === null ? [] : [{ domain, sourceUrl: domain.sampleUrl, isTarget }],
    )
    .sort((a, b) => (b.domain.links ?? 0) - (a.domain.links ?? 0))
    .slice(0, limit)
  const waiting = new Set(chosen.map(({ domain }) => domain))
  for (const [n, domain] of domains.entries()) {
    if (!waiting.has(domain)) yield { domain, status: null }
    if (n % 500 === 499) await yieldToEventLoop()
    signal.throwIfAborted()
  }

  const phase = { phase: 'Verifying links', total: chosen.length, unit: 'sites' }
  progress({ ...phase, done: 0 })
  if (chosen.length === 0) return
  try {
    for await (const { link, status } of web.verifyLinks(chosen, { signal })) {
      if (!waiting.delete(link.domain)) continue
      yield { domain: link.domain, status }
      progress({ ...phase, done: chosen.length - waiting.size })
    }
  } catch (error) {
    if (!(error instanceof NoNetwork)) throw error
    note(
      `Stopped verifying; ${waiting.size.toLocaleString('en')} domains remain unverified. ${error.message}`,
    )
  }
  for (const domain of waiting) yield { domain, status: null }
}
