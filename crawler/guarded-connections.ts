import type { LookupAddress } from 'node:dns'
import { lookup as systemLookup } from 'node:dns/promises'
import { setMaxListeners } from 'node:events'
import { isIP } from 'node:net'
import { Agent, buildConnector } from 'undici'
import type { AllowsAddress } from './allowed-addresses.ts'
import { AddressRefused, LookupTimedOut } from './connect-errors.ts'

/**
 * Resolves a name to all its addresses. @throws an error with a DNS `code`: ENOTFOUND, EAI_AGAIN, …
 */
export type Lookup = (hostname: string) => Promise<LookupAddress[]>

export const systemDns: Lookup = (hostname) => systemLookup(hostname, { all: true })

export interface GuardOptions {
  allows: AllowsAddress
  lookup: Lookup
  /** For the DNS lookup and the connection together. */
  connectMs: number
}

/** Connections to allowed addresses only, kept alive between requests to the same server. */
export interface GuardedConnections {
  agent: Agent
  /** Closes all connections, including those being established. */
  close(): Promise<void>
}

/**
 * Resolves names itself and connects only to the addresses it has checked: a second lookup might
 * return other addresses. undici's `lookup` option would not suffice, as it is not called for a URL
 * that contains an IP address.
 */
export function guardedConnections({
  allows,
  lookup,
  connectMs,
}: GuardOptions): GuardedConnections {
  // agent.destroy() closes established connections; this also stops those being established.
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
    const startedAt = performance.now()
    const { hostname } = options
    // A lookup can't be aborted, so after the timeout its late result is ignored.
    let isPending = true
    const settle = (callBack: () => void) => {
      if (!isPending) return
      isPending = false
      clearTimeout(timer)
      callBack()
    }
    const timer = setTimeout(
      () => settle(() => callback(new LookupTimedOut(hostname), null)),
      connectMs,
    )
    addressesOf(hostname).then(
      (addresses) =>
        settle(() => {
          const timeout = Math.max(1, connectMs - (performance.now() - startedAt))
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
 * Connects to the first of these addresses that answers. Checks the certificate against the name.
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
