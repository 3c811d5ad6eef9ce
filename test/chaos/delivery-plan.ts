import { v7 as uuidV7 } from 'uuid'
import type { Ending } from '#jobs/lifecycle.ts'
import type { JobRef } from '#jobs/redis/store.ts'

/** What one job of the load does: the same in every run. */
export interface Plan extends JobRef {
  n: number
  /** After the load's beginning. */
  beginsAfterMs: number
  /** Durable events of its last attempt, but for the states. */
  steps: number
  stepMs: number
  attempts: number
  ending: Ending
  /** It says nothing for so long before its last event, the one that no gap reveals. */
  silentMs: number
  /** Its last event waits until the mischief is over. */
  heldBack: boolean
  bytesPerRow: number
  /** Once it is archived, Redis forgets it at once instead of after ten minutes. */
  forgotten: boolean
}

export interface LoadSize {
  jobs: number
  steps: number
  stepMs: number
  /** The jobs begin spread over so long. */
  spreadMs: number
  /**
   * Jobs whose rows are so large that many of them are too much to be replayed, or to wait for a
   * slow reader.
   */
  fatJobs: number
}

/** One search type each: a user may have many of them active at once. */
export function planJobs(
  { jobs, steps, stepMs, spreadMs, fatJobs }: LoadSize,
  owners: readonly string[],
): Plan[] {
  return Array.from({ length: jobs }, (_, n) => {
    const fat = n % Math.floor(jobs / fatJobs) === 2
    const neverBegins = n % 50 === 49
    return {
      n,
      id: `0-${uuidV7()}`,
      userId: owners[n % owners.length] ?? '',
      search: `type-${n}`,
      beginsAfterMs: (spreadMs * n) / jobs,
      steps,
      stepMs,
      attempts: neverBegins ? 0 : n % 15 === 0 ? 3 : n % 5 === 0 ? 2 : 1,
      ending: neverBegins || n % 7 === 3 ? 'cancelled' : n % 7 === 5 ? 'error' : 'complete',
      silentMs: n % 4 === 1 ? 3_000 + 100 * (n % 20) : 0,
      heldBack: n >= 0.9 * jobs,
      bytesPerRow: fat ? 6_000 : 30,
      forgotten: n % 3 === 1,
    }
  })
}
