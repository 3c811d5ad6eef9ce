import robotsParser from 'robots-parser'
import { parseUrl } from '#webindex/pages/parse-url.ts'
import { fetchInTurn, type Session, type TurnOutcome } from './fetch-in-turn.ts'
import type { Failure } from './fetch-once.ts'
import { refusalOf } from './web-url.ts'

/** What a server's robots.txt says to us. */
export interface RobotsRules {
  /** @returns why the page may not be fetched; null where it may. */
  refusal(url: URL): Failure | null
  /** The pause that it wants between requests; 0 where it says nothing. */
  crawlDelayMs: number
  sitemaps: string[]
}

/** The rules of many servers, kept for a day. */
export interface RobotsCache {
  rulesFor(url: URL, session: Session): Promise<RobotsRules>
}

interface Kept {
  rules: RobotsRules
  until: number
  /** Characters of its text. */
  size: number
}

const mostKept = 2_000
/** Of all texts together; parsed they take some times as much. */
const mostCharacters = 4_000_000
/**
 * Steps of matching a path with all patterns, at worst: a fraction of a second. A file made to keep
 * crawlers busy has many more.
 */
const mostSteps = 20_000_000

/** One per process: searches that visit the same servers share it. */
export function createRobotsCache(): RobotsCache {
  const kept = new Map<string, Kept>()
  let characters = 0

  function forget(origin: string): void {
    characters -= kept.get(origin)?.size ?? 0
    kept.delete(origin)
  }
  function keep(origin: string, entry: Kept): void {
    forget(origin)
    kept.set(origin, entry)
    characters += entry.size
    for (const [oldest] of kept) {
      if (kept.size <= mostKept && characters <= mostCharacters) break
      forget(oldest)
    }
  }

  return {
    async rulesFor(url, session) {
      const { origin } = url
      const known = kept.get(origin)
      if (known && known.until > session.now().getTime()) return known.rules
      const { rules, maxAgeMs, size } = await askFor(origin, session)
      if (maxAgeMs > 0) keep(origin, { rules, until: session.now().getTime() + maxAgeMs, size })
      return rules
    },
  }
}

async function askFor(
  origin: string,
  session: Session,
): Promise<{ rules: RobotsRules; maxAgeMs: number; size: number }> {
  const { robotsMaxAgeMs, robotsRetryMs } = session.limits
  const answer = await fetchRobots(new URL('/robots.txt', origin), session)
  // RFC 9309: a server that can't be reached, or fails, has forbidden everything; one without the
  // file nothing.
  if (!answer.ok) return { rules: forbidding(answer), maxAgeMs: 0, size: 0 }
  if (answer.status >= 500 || answer.status === 429) {
    const problem = `its robots.txt can’t be had (HTTP ${answer.status}), so nothing may be fetched`
    return { rules: forbidding(notAllowed(problem)), maxAgeMs: robotsRetryMs, size: 0 }
  }
  const text = answer.status < 300 ? answer.body.toString('utf8').replace(/^\uFEFF/, '') : ''
  return { rules: parseRules(origin, text, session), maxAgeMs: robotsMaxAgeMs, size: text.length }
}

/** After more redirects than are followed it counts as not there. */
async function fetchRobots(first: URL, session: Session): Promise<TurnOutcome> {
  const { maxRobotsBytes, maxRedirects, gapMs } = session.limits
  const wish = {
    accept: 'text/plain,*/*;q=0.5',
    maxBytes: maxRobotsBytes,
    excess: 'cut' as const,
    wants: ({ status }: { status: number }) => status >= 200 && status < 300,
    gapMs,
  }
  let url = first
  for (let redirects = 0; ; redirects++) {
    const answer = await fetchInTurn(url, wish, session)
    if (!answer.ok || answer.status < 300 || answer.status > 399) return answer
    const location = answer.headers('location')
    if (redirects === maxRedirects || !parseUrl(location, url.href)) return answer
    url = new URL(location, url)
    if (refusalOf(url)) return answer
  }
}

const notAllowed = (problem: string): Failure => ({
  ok: false,
  reason: 'robots',
  status: null,
  problem,
  offline: false,
})

function forbidding(failure: Failure): RobotsRules {
  return { refusal: () => failure, crawlDelayMs: 0, sitemaps: [] }
}

function parseRules(origin: string, text: string, { userAgent, limits }: Session): RobotsRules {
  if (text === '') return { refusal: () => null, crawlDelayMs: 0, sitemaps: [] }
  const robots = robotsParser(`${origin}/robots.txt`, text)
  const lines = text.split(/[\r\n]+/)
  const patterns = lines.reduce((sum, line) => sum + (line.includes('*') ? line.length : 1), 0)
  const delayMs = (robots.getCrawlDelay(userAgent) ?? 0) * 1000
  return {
    refusal(url) {
      if (patterns * (url.pathname.length + url.search.length) > mostSteps)
        return notAllowed('its robots.txt is too large to be compared with such an address')
      return robots.isDisallowed(url.href, userAgent)
        ? notAllowed('its robots.txt does not allow it')
        : null
    },
    crawlDelayMs: Math.min(Math.max(0, delayMs), limits.maxCrawlDelayMs),
    sitemaps: robots.getSitemaps(),
  }
}
