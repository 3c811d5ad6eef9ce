import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

/** `waitMs`: the least time until the host can be free. */
export type LeaseAnswer = { granted: true } | { granted: false; waitMs: number }

/** The right to send one request to a host, followed by a pause. */
export interface HostLease {
  /** Name and port. */
  host: string
  /** Identifies the holder. */
  token: string
  /** The pause after the request. */
  gapMs: number
}

/**
 * Leases of hosts, shared by all workers: one request at a time per host, and a pause after each.
 * The lease of a worker that was killed expires after `leaseMs`.
 */
export interface HostLeases {
  /**
   * Grants a lease again if the same token asks again.
   * @param lease.gapMs the expected pause. While the lease is held, it is the `waitMs` of others.
   */
  take(lease: HostLease & { leaseMs: number }): Promise<LeaseAnswer>
  /** Ends the lease; the host is free after the pause. Does nothing if the lease has expired. */
  end(lease: HostLease): Promise<void>
}

/** The shortest interval between two attempts to take a lease. */
const minWaitMs = 20
/** How much longer than its task a lease lasts. */
const graceMs = 5_000

/**
 * Waits for the lease of a host, runs the task, and ends the lease with the pause that the task
 * returns.
 * @param options.maxTaskMs the longest time the task may take.
 * @param options.gapMs the expected pause, which also follows a task that throws.
 */
export async function withHostLease<Result>(
  leases: HostLeases,
  options: { host: string; maxTaskMs: number; gapMs: number; signal: AbortSignal },
  task: () => Promise<{ result: Result; gapMs: number }>,
): Promise<Result> {
  const { host, maxTaskMs, gapMs, signal } = options
  const token = randomUUID()
  await waitForLease(leases, { host, token, gapMs, leaseMs: maxTaskMs + graceMs }, signal)
  let pauseMs = gapMs
  try {
    const done = await task()
    pauseMs = done.gapMs
    return done.result
  } finally {
    const ended = leases.end({ host, token, gapMs: pauseMs })
    // After an abort nothing waits for the end of the lease. If ending it fails, it expires.
    if (signal.aborted) ended.catch(() => {})
    else await ended
  }
}

async function waitForLease(
  leases: HostLeases,
  lease: HostLease & { leaseMs: number },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const answer = await leases.take(lease)
    if (answer.granted) return
    // The host can't be free earlier, so this is not polling.
    await delay(Math.max(minWaitMs, answer.waitMs), undefined, { signal }).catch(() =>
      signal.throwIfAborted(),
    )
  }
}
