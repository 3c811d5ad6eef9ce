import { allowedAddresses, type Network } from './allowed-addresses.ts'
import { crawl } from './crawl.ts'
import type { FetchDeps } from './follow-redirects.ts'
import { guardedConnections, type Lookup, systemDns } from './guarded-connections.ts'
import type { HostTurns } from './host-turns.ts'
import { type Limits, usualLimits } from './limits.ts'
import { createRobotsCache } from './robots.ts'
import { verifyLinks } from './verify-links.ts'
import type { Web } from './web.ts'

export interface WebOptions {
  turns: HostTurns
  /**
   * Says who we are and where to complain; robots.txt files name us by what stands before its
   * slash.
   */
  userAgent: string
  now(): Date
  /** Networks, though private, that may be visited. */
  allowPrivate?: readonly Network[]
  lookup?: Lookup
  limits?: Partial<Limits>
}

/** One per process. Each crawl has connections of its own, which end with it. */
export function createWeb({
  turns,
  userAgent,
  now,
  allowPrivate = [],
  lookup = systemDns,
  limits,
}: WebOptions): Web {
  const robots = createRobotsCache()
  const allows = allowedAddresses(allowPrivate)
  const all: Limits = { ...usualLimits, ...limits }

  /** Whatever runs is stopped, and its sockets closed, when nobody listens any more. */
  async function* inSession<Event>(
    signal: AbortSignal,
    work: (deps: FetchDeps) => AsyncIterable<Event>,
  ): AsyncGenerator<Event> {
    signal.throwIfAborted()
    const stop = new AbortController()
    const abort = () => stop.abort(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    const { agent, close } = guardedConnections({ allows, lookup, connectMs: all.connectMs })
    try {
      yield* work({
        session: { agent, turns, limits: all, userAgent, now, signal: stop.signal },
        robots,
      })
    } finally {
      signal.removeEventListener('abort', abort)
      stop.abort()
      await close()
    }
  }

  return {
    crawl: (order, { signal }) => inSession(signal, (deps) => crawl(order, deps)),
    verifyLinks: (links, { signal }) => inSession(signal, (deps) => verifyLinks(links, deps)),
  }
}

/** `Searchlight/0.1.0 (+https://example.com/bot)` */
export function crawlerName(version: string, contactUrl?: string): string {
  return `Searchlight/${version}${contactUrl ? ` (+${contactUrl})` : ''}`
}
