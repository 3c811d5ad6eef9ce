import type { LookupAddress } from 'node:dns'
import { lookup as systemLookup } from 'node:dns/promises'
import { setMaxListeners } from 'node:events'
import { isIP } from 'node:net'
import { Agent, buildConnector } from 'undici'
import type { AllowsAddress } from './allowed-addresses.ts'
import { AddressRefused, LookupTimedOut } from './connect-errors.ts'

/** All addresses of a name. @throws an error with a `code` of the DNS: ENOTFOUND, EAI_AGAIN, … */
export type Lookup = (hostname: string) => Promise<LookupAddress[]>

export const systemDns: Lookup = (hostname) => systemLookup(hostname, { all: true })

export interface GuardOptions {
  allows: AllowsAddress
  lookup: Lookup
  /** For the name and the connection together. */
  connectMs: number
}

/**
 * Connections to servers of the public web only, kept alive between requests to the same server.
 */
export interface GuardedConnections {
  agent: Agent
  /** Ends everything that is open or about to be. */
  close(): Promise<void>
}

/**
 * Names are looked up here and the connection goes to just the addresses that were judged: with a
 * second lookup, a name could stand for another address a moment later. undici's own `lookup`
 * option would not do: nobody calls it for a URL that holds an IP address.
 */
export function guardedConnections({
  allows,
  lookup,
  connectMs,
}: GuardOptions): GuardedConnections {
  // undici ends what is connected; this also ends what is about to be.
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)

  async function addressesOf(hostname: string): Promise<LookupAddress[]> {
    const family = isIP(hostname)
    const addresses = family ? [{ address: hostname, family }] : await lookup(hostname)
    const refused = addresses.find(({ address }) => !allows(address))
    if (refused) throw new AddressRefused(hostname, refused.address)
    if (addresses.length === 0)
      throw Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' })
    return addresses
  }

  const connect: buildConnector.connector = (options, callback) => {
    const began = performance.now()
    const { hostname } = options
    // A lookup can't be called off; whoever waits for it is told after a while, and what it answers
    // then is left.
    let waiting = true
    const settle = (deed: () => void) => {
      if (!waiting) return
      waiting = false
      clearTimeout(timer)
      deed()
    }
    const timer = setTimeout(
      () => settle(() => callback(new LookupTimedOut(hostname), null)),
      connectMs,
    )
    addressesOf(hostname).then(
      (addresses) =>
        settle(() => {
          const timeout = Math.max(1, connectMs - (performance.now() - began))
          connectorTo(addresses, { timeout, signal: closing.signal })(options, callback)
        }),
      (error) => settle(() => callback(error, null)),
    )
  }

  const agent = new Agent({
    connect,
    pipelining: 1,
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 30_000,
  })
  return {
    agent,
    async close() {
      closing.abort()
      await agent.destroy()
    },
  }
}

/**
 * Connects to the first of these addresses that answers; the server's certificate is compared with
 * the name.
 */
function connectorTo(
  addresses: LookupAddress[],
  options: { timeout: number; signal: AbortSignal },
) {
  return buildConnector({
    ...options,
    autoSelectFamily: true,
    lookup: (_hostname, { all }, answer) => {
      const [first] = addresses
      if (all || !first) answer(null, addresses)
      else answer(null, first.address, first.family)
    },
  })
}
