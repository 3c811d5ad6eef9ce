import { parseUrl } from '#webindex/pages/parse-url.ts'
import type { Answer, Failure } from './fetch-once.ts'
import { type FetchRequest, politeFetch, type Session } from './polite-fetch.ts'
import type { RobotsCache } from './robots.ts'
import { refusalOf } from './web-url.ts'

export interface FetchDeps {
  session: Session
  robots: RobotsCache
}

/** `url`: the last address, after redirects. `redirected`: the status of the first redirect. */
export type Reached = (Answer | Failure) & { url: URL; redirected: number | null; busy?: string }

/**
 * Fetches an address if robots.txt allows it. Follows redirects up to the limit and checks each
 * target like the first address.
 * @param follows whether to follow a redirect to this address
 */
export async function followRedirects(
  start: URL,
  request: Omit<FetchRequest, 'gapMs'>,
  { session, robots }: FetchDeps,
  follows: (url: URL) => boolean = () => true,
): Promise<Reached> {
  const { limits } = session
  let url = start
  let redirected: number | null = null
  const failed = (problem: string, status: number | null): Reached => ({
    ...{ ok: false, reason: 'http_error', problem, status, offline: false },
    ...{ url, redirected },
  })
  for (let redirects = 0; ; redirects++) {
    const refused = refusalOf(url)
    if (refused) return failed(refused, null)
    const rules = await robots.rulesFor(url, session)
    const refusal = rules.refusal(url)
    if (refusal) return { ...refusal, url, redirected }
    const gapMs = Math.max(limits.gapMs, rules.crawlDelayMs)
    const answer = await politeFetch(url, { ...request, gapMs }, session)
    if (!answer.ok || !isRedirect(answer.status)) return { ...answer, url, redirected }

    redirected ??= answer.status
    const location = answer.headers('location')
    if (!parseUrl(location, url.href)) return failed('redirects to no valid address', answer.status)
    if (redirects === limits.maxRedirects)
      return failed(`more than ${redirects} redirects`, answer.status)
    url = new URL(location, url)
    if (!follows(url)) return failed(`redirects to ${url.href}`, redirected)
  }
}

const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status)
