import { setImmediate } from 'node:timers/promises'

/** How long synchronous work may block lock renewals, heartbeats and cancellations. */
const maxBlockedMs = 8

/**
 * Returns a function to await between small pieces of synchronous work. It yields to the event
 * loop once the pieces have blocked it for some milliseconds, and throws the signal's reason as
 * soon as the signal has aborted.
 */
export function createEventLoopYield(signal: AbortSignal): () => Promise<void> {
  let resumedAt = performance.now()
  return async () => {
    signal.throwIfAborted()
    if (performance.now() - resumedAt < maxBlockedMs) return
    await setImmediate()
    resumedAt = performance.now()
    signal.throwIfAborted()
  }
}
