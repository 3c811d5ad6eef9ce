import { setImmediate } from 'node:timers/promises'

/** Well below what anyone notices: queue locks are renewed and cancellations heard in between. */
const turnMs = 8

/**
 * To be awaited between small pieces of synchronous work: once they have taken some milliseconds
 * together, everything else of the process gets its turn. It throws as soon as the signal has
 * aborted.
 */
export function givingWay(signal: AbortSignal): () => Promise<void> {
  let began = performance.now()
  return async () => {
    signal.throwIfAborted()
    if (performance.now() - began < turnMs) return
    await setImmediate()
    began = performance.now()
    signal.throwIfAborted()
  }
}
