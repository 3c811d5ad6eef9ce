import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

/** A request that was let through, or how long it takes at least until another may be. */
export type TurnAnswer = { granted: true } | { granted: false; waitMs: number }

/**
 * Whose turn it is at a host, over all workers: one request at a time, and a pause behind each. A
 * turn that is never ended (its worker was killed) runs out after `leaseMs`.
 */
export interface HostTurns {
  /**
   * Asked again under the same token, a turn that is held already is granted again.
   * @param ask.host name and port
   * @param ask.gapMs the pause that will follow: whoever is refused meanwhile waits at least for
   * that
   */
  take(ask: { host: string; token: string; leaseMs: number; gapMs: number }): Promise<TurnAnswer>
  /** The host is free again after the pause. Does nothing where the turn has run out. */
  end(turn: { host: string; token: string; gapMs: number }): Promise<void>
}

/** Whatever a host's answers say, nobody is asked more often than this whether it is free. */
const leastWaitMs = 20

/**
 * Waits for the turn, does the deed in it, and ends it with the pause that the deed asks for.
 * @param order.longestMs of the deed
 */
export async function inTurn<Result>(
  turns: HostTurns,
  order: { host: string; longestMs: number; gapMs: number; signal: AbortSignal },
  deed: () => Promise<{ result: Result; gapMs: number }>,
): Promise<Result> {
  const { host, gapMs, signal } = order
  const token = randomUUID()
  const leaseMs = order.longestMs + 5_000
  for (;;) {
    signal.throwIfAborted()
    const answer = await turns.take({ host, token, leaseMs, gapMs })
    if (answer.granted) break
    // Nobody is served before that, so this is no polling.
    await delay(Math.max(leastWaitMs, answer.waitMs), undefined, { signal }).catch(() =>
      signal.throwIfAborted(),
    )
  }
  let pauseMs = gapMs
  try {
    const done = await deed()
    pauseMs = done.gapMs
    return done.result
  } finally {
    const ended = turns.end({ host, token, gapMs: pauseMs })
    // Whoever has stopped it does not wait for this; and where it fails, the turn runs out by
    // itself.
    if (signal.aborted) ended.catch(() => {})
    else await ended
  }
}
