import { v7 as uuidV7 } from 'uuid'
import type { Ending } from '#jobs/lifecycle.ts'
import type { JobRef } from '#jobs/redis/store.ts'

/** The course of one job of the load, the same in every run. */
export interface Plan extends JobRef {
  n: number
  /** From the start of the load. */
  startsAfterMs: number
  /** Durable events of the last attempt, except states. */
  steps: number
  stepMs: number
  attempts: number
  ending: Ending
  /** Silence before the last event: if that event is lost, no later one reveals the gap. */
  silentMs: number
  /** The last event waits until fault injection is over. */
  heldBack: boolean
  bytesPerRow: number
  /** Removed from Redis as soon as it is archived, instead of ten minutes later. */
  evicted: boolean
}

export interface LoadSize {
  jobs: number
  steps: number
  stepMs: number
  /** The period over which the jobs start. */
  spreadMs: number
  /** Jobs with rows so large that many of them exceed the limits of replays and send queues. */
  largeJobs: number
}

/** Plans one search type per job, so that a user may have many active jobs. */
export function planJobs(
  { jobs, steps, stepMs, spreadMs, largeJobs }: LoadSize,
  owners: readonly string[],
): Plan[] {
  return Array.from({ length: jobs }, (_, n) => {
    const large = n % Math.floor(jobs / largeJobs) === 2
    const neverStarts = n % 50 === 49
    return {
      n,
      id: `0-${uuidV7()}`,
      userId: owners[n % owners.length] ?? '',
      search: `type-${n}`,
      startsAfterMs: (spreadMs * n) / jobs,
      steps,
      stepMs,
      attempts: neverStarts ? 0 : n % 15 === 0 ? 3 : n % 5 === 0 ? 2 : 1,
      ending: neverStarts || n % 7 === 3 ? 'cancelled' : n % 7 === 5 ? 'error' : 'complete',
      silentMs: n % 4 === 1 ? 3_000 + 100 * (n % 20) : 0,
      heldBack: n >= 0.9 * jobs,
      bytesPerRow: large ? 6_000 : 30,
      evicted: n % 3 === 1,
    }
  })
}
