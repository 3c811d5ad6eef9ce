import type { Refusal } from '../errors.ts'
import { keys } from './keys.ts'
import { type JobStore, shardForJob } from './store.ts'

/** One run of a job, as its worker knows it. */
interface RunningAttempt {
  id: string
  attempt: number
}

/**
 * Which of these runs go on in vain, and why. A worker hears of it over pub/sub and by its next
 * write; this is for a search that writes nothing for long when the message was lost.
 */
export async function findVainRuns<Run extends RunningAttempt>(
  runs: readonly Run[],
  store: JobStore,
): Promise<{ run: Run; why: Refusal }[]> {
  const checks = runs.map(async (run) => {
    const shard = shardForJob(run.id, store)
    const [state, attempt] = shard
      ? await store.redis.hmget(keys.record(shard, run.id), 'state', 'attempt')
      : []
    const why = reason(state ?? null, Number(attempt ?? 0), run.attempt)
    return why === null ? [] : [{ run, why }]
  })
  return (await Promise.all(checks)).flat()
}

function reason(state: string | null, attempt: number, own: number): Refusal | null {
  if (state !== 'new' && state !== 'running') return 'ended'
  if (attempt > own) return 'overtaken'
  return attempt < own ? 'rolled_back' : null
}

/** The process that ran the job's latest attempt, for people; null when none has. */
export async function workerOf(id: string, store: JobStore): Promise<string | null> {
  const shard = shardForJob(id, store)
  return shard && store.redis.hget(keys.record(shard, id), 'worker')
}
