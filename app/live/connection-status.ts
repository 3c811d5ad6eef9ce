/**
 * `live`: connected, and everything on the page is up to date. `connecting`: not yet, for the first
 * time. `reconnecting`: it was live, may be behind now, and is catching up. `offline`: there is no
 * network, or the server has not answered for a while.
 */
export type ConnectionStatus = 'connecting' | 'live' | 'reconnecting' | 'offline'

export interface ConnectionFacts {
  connected: boolean
  /** How long something has not been up to date; null when all is. */
  behindForMs: number | null
  /** How long there has been no connection: since it was lost, or since the first try. */
  disconnectedForMs: number
  /** Whether the browser has a network at all. */
  online: boolean
  wasLive: boolean
}

/** A delay that nobody notices: live events are gathered for as long before they are sent. */
export const unnoticedMs = 250
const offlineAfterMs = 15_000

export function statusOf(facts: ConnectionFacts): ConnectionStatus {
  const { connected, behindForMs, disconnectedForMs, online, wasLive } = facts
  if (connected && behindForMs === null) return 'live'
  const lost = disconnectedForMs >= offlineAfterMs
  if (!online || (!connected && lost)) return 'offline'
  return wasLive || lost ? 'reconnecting' : 'connecting'
}
