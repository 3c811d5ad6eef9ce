import { allowedAddresses, type Network } from './allowed-addresses.ts'
import { crawl } from './crawl.ts'
import type { FetchDeps } from './follow-redirects.ts'
import { guardedConnections, type Lookup, systemDns } from './guarded-connections.ts'
import type { HostLeases } from './host-leases.ts'
import { type Limits, usualLimits } from './limits.ts'
import { linkedController } from './linked-controller.ts'
import { createRobotsCache } from './robots.ts'
import { verifyLinks } from './verify-links.ts'
import type { Web } from './web.ts'

export interface WebOptions {
  leases: HostLeases
  /**
   * Names the crawler and a contact for complaints. The part before the slash is the name in
   * robots.txt rules.
   */
  userAgent: string
  now(): Date
  /** Private networks that may be visited. */
  allowPrivate?: readonly Network[]
  lookup?: Lookup
  limits?: Partial<Limits>
}

/** Create one per process. Each crawl has its own connections, closed at its end. */
export function createWeb({
  leases,
  userAgent,
  now,
  allowPrivate = [],
  lookup = systemDns,
  limits,
}: WebOptions): Web {
  const robots = createRobotsCache()
  const allows = allowedAddresses(allowPrivate)
  const allLimits: Limits = { ...usualLimits, ...limits }

  /** Aborts the work and closes its connections when the consumer stops iterating. */
  async function* inSession<Event>(
    signal: AbortSignal,
    work: (deps: FetchDeps) => AsyncIterable<Event>,
  ): AsyncGenerator<Event> {
    signal.throwIfAborted()
    const stop = linkedController(signal)
    const { connectMs } = allLimits
    const { agent, close } = guardedConnections({ allows, lookup, connectMs })
    const session = { agent, leases, limits: allLimits, userAgent, now, signal: stop.signal }
    try {
      yield* work({ session, robots })
    } finally {
      stop.unlink()
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
