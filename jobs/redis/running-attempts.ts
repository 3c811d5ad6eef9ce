import type { Refusal } from '../errors.ts'
import { keys } from './keys.ts'
import { type JobStore, shardForJob } from './store.ts'

/** A run in a worker process. */
interface RunningAttempt {
  id: string
  attempt: number
}

/**
 * Finds runs whose job has ended, moved on or was rolled back. Workers learn of that over pub/sub
 * and from refused writes; this check is for a silent search whose message was lost.
 */
export async function findObsoleteRuns<Run extends RunningAttempt>(
  runs: readonly Run[],
  store: JobStore,
): Promise<{ run: Run; why: Refusal }[]> {
  const checks = runs.map(async (run) => {
    const shard = shardForJob(run.id, store)
    const [state, attempt] = shard
      ? await store.redis.hmget(keys.record(shard, run.id), 'state', 'attempt')
      : []
    const why = obsoleteReason(state ?? null, Number(attempt ?? 0), run.attempt)
    return why === null ? [] : [{ run, why }]
  })
  return (await Promise.all(checks)).flat()
}

function obsoleteReason(state: string | null, attempt: number, ownAttempt: number): Refusal | null {
  if (state !== 'new' && state !== 'running') return 'ended'
  if (attempt > ownAttempt) return 'overtaken'
  return attempt < ownAttempt ? 'rolled_back' : null
}

/** The process that ran the job's latest attempt, for users; null if none has. */
export async function workerOf(id: string, store: JobStore): Promise<string | null> {
  const shard = shardForJob(id, store)
  return shard && store.redis.hget(keys.record(shard, id), 'worker')
}
