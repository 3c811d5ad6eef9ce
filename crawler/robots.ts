import robotsParser from 'robots-parser'
import { parseUrl } from '#webindex/pages/parse-url.ts'
import type { Failure } from './fetch-once.ts'
import { type PoliteAnswer, politeFetch, type Session } from './polite-fetch.ts'
import { refusalOf } from './web-url.ts'

/** The rules of a server's robots.txt for this crawler. */
export interface RobotsRules {
  /** @returns why the page may not be fetched; null if it may. */
  refusal(url: URL): Failure | null
  /** The pause between requests, at most the limit; 0 if there is no crawl-delay. */
  crawlDelayMs: number
  sitemaps: string[]
}

/** Caches the rules of many servers for a day. */
export interface RobotsCache {
  rulesFor(url: URL, session: Session): Promise<RobotsRules>
}

interface Entry {
  rules: RobotsRules
  /** In epoch milliseconds. */
  expiresAt: number
  /** Length of the text in characters. */
  size: number
}

const maxEntries = 2_000
/** Of all texts together. Parsed, they take several times as much memory. */
const maxCharacters = 4_000_000
/**
 * The most steps that matching a path with all patterns may take: a fraction of a second. A
 * malicious file may need far more.
 */
const maxSteps = 20_000_000

/** Create one per process: all crawls share it. */
export function createRobotsCache(): RobotsCache {
  const entries = new Map<string, Entry>()
  let characters = 0

  function forget(origin: string): void {
    characters -= entries.get(origin)?.size ?? 0
    entries.delete(origin)
  }
  function keep(origin: string, entry: Entry): void {
    forget(origin)
    entries.set(origin, entry)
    characters += entry.size
    for (const [oldest] of entries) {
      if (entries.size <= maxEntries && characters <= maxCharacters) break
      forget(oldest)
    }
  }

  return {
    async rulesFor(url, session) {
      const { origin } = url
      const known = entries.get(origin)
      if (known && known.expiresAt > session.now().getTime()) return known.rules
      const { rules, maxAgeMs, size } = await requestRules(origin, session)
      if (maxAgeMs > 0) keep(origin, { rules, expiresAt: session.now().getTime() + maxAgeMs, size })
      return rules
    },
  }
}

async function requestRules(
  origin: string,
  session: Session,
): Promise<{ rules: RobotsRules; maxAgeMs: number; size: number }> {
  const { robotsMaxAgeMs, robotsRetryMs } = session.limits
  const answer = await fetchRobots(new URL('/robots.txt', origin), session)
  // RFC 9309: if the server fails or can't be reached, everything is forbidden; if it has no
  // robots.txt, everything is allowed.
  if (!answer.ok) return { rules: forbidding(answer), maxAgeMs: 0, size: 0 }
  if (answer.status >= 500 || answer.status === 429) {
    const problem = `its robots.txt can’t be read (HTTP ${answer.status}), so no page may be fetched`
    return { rules: forbidding(notAllowed(problem)), maxAgeMs: robotsRetryMs, size: 0 }
  }
  const text = answer.status < 300 ? answer.body.toString('utf8').replace(/^\uFEFF/, '') : ''
  return { rules: parseRules(origin, text, session), maxAgeMs: robotsMaxAgeMs, size: text.length }
}

/** A robots.txt behind too many redirects counts as missing. */
async function fetchRobots(first: URL, session: Session): Promise<PoliteAnswer> {
  const { maxRobotsBytes, maxRedirects, gapMs } = session.limits
  const request = {
    accept: 'text/plain,*/*;q=0.5',
    maxBytes: maxRobotsBytes,
    excess: 'cut' as const,
    wants: ({ status }: { status: number }) => status >= 200 && status < 300,
    gapMs,
  }
  let url = first
  for (let redirects = 0; ; redirects++) {
    const answer = await politeFetch(url, request, session)
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
      if (patterns * (url.pathname.length + url.search.length) > maxSteps)
        return notAllowed('its robots.txt has too many rules to check this address')
      return robots.isDisallowed(url.href, userAgent)
        ? notAllowed('its robots.txt does not allow it')
        : null
    },
    crawlDelayMs: Math.min(Math.max(0, delayMs), limits.maxCrawlDelayMs),
    sitemaps: robots.getSitemaps(),
  }
}
