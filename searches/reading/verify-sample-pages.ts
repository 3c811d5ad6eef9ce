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
 * Visits the sample pages of the first `limit` domains that have one. Yields the domains in their
 * order: each after the visits that it and the domains before it need. Without a network, notes so
 * and yields the rest unverified.
 */
export async function* verifySamplePages(
  domains: readonly ReferringDomain[],
  { limit, isTarget }: { limit: number; isTarget(href: string): boolean },
  { web, signal, progress, note }: SearchContext<SearchTools>,
): AsyncGenerator<VerifiedDomain> {
  const chosen = domains
    .flatMap((domain) =>
      domain.sampleUrl === null ? [] : [{ domain, sourceUrl: domain.sampleUrl, isTarget }],
    )
    .slice(0, limit)
  const waiting = new Set(chosen.map(({ domain }) => domain))
  const statuses = new Map<ReferringDomain, LinkStatus>()
  let next = 0
  async function* ready(): AsyncGenerator<VerifiedDomain> {
    for (; next < domains.length; next++) {
      const domain = domains[next]
      if (!domain || waiting.has(domain)) return
      yield { domain, status: statuses.get(domain) ?? null }
      if (next % 500 === 499) await yieldToEventLoop()
      signal.throwIfAborted()
    }
  }

  const phase = { phase: 'Verifying links', total: chosen.length, unit: 'sites' }
  progress({ ...phase, done: 0 })
  yield* ready()
  if (chosen.length === 0) return
  try {
    for await (const { link, status } of web.verifyLinks(chosen, { signal })) {
      if (!waiting.delete(link.domain)) continue
      statuses.set(link.domain, status)
      yield* ready()
      progress({ ...phase, done: chosen.length - waiting.size })
    }
  } catch (error) {
    if (!(error instanceof NoNetwork)) throw error
    note(
      `Stopped verifying; ${waiting.size.toLocaleString('en')} domains remain unverified. ${error.message}`,
    )
  }
  waiting.clear()
  yield* ready()
}
