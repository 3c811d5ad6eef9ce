/**
 * `live`: connected, and everything that is shown is up to date. `connecting`: not yet, for the
 * first time. `reconnecting`: it was live and may be behind now, which is being mended. `offline`:
 * there is no network, or nobody has answered for a while.
 */
export type ConnectionStatus = 'connecting' | 'live' | 'reconnecting' | 'offline'

export interface ConnectionFacts {
  connected: boolean
  /** How long there has been something that is not up to date; null when all is. */
  behindForMs: number | null
  /**
   * How long there has been no connection, or, before the first one, how long it has been waited
   * for.
   */
  lostForMs: number
  /** Whether the browser has a network at all. */
  online: boolean
  wasLive: boolean
}

/**
 * A moment in which nobody sees a difference: what arrives live is gathered as long before it is
 * sent.
 */
export const unseenMs = 250
const offlineAfterMs = 15_000

export function statusOf({
  connected,
  behindForMs,
  lostForMs,
  online,
  wasLive,
}: ConnectionFacts): ConnectionStatus {
  if (connected && behindForMs === null) return 'live'
  if (!online || (!connected && lostForMs >= offlineAfterMs)) return 'offline'
  return wasLive || lostForMs >= offlineAfterMs ? 'reconnecting' : 'connecting'
}
