import { NotEnded } from '../errors.ts'
import type { Job } from '../job.ts'
import { keys } from './keys.ts'
import { answersOf } from './pipeline.ts'
import { changeScripts, runScript } from './scripts.ts'
import { type JobStore, shardForJob, shardOf } from './store.ts'

/**
 * Deletes an ended job from Redis and announces it to the lists that show it.
 * @param counted whether to take the job off its state's count. Of several simultaneous callers,
 * only the one that deleted it from the archive does.
 * @throws {NotEnded}
 */
export async function deleteJob(
  job: Job,
  { counted }: { counted: boolean },
  store: JobStore,
): Promise<void> {
  const key = keys.record(shardOf(job, store), job.id)
  const answer = await runScript(
    store.redis,
    changeScripts.delete,
    [key],
    [job.userId, job.state, counted ? '1' : ''],
  )
  if (answer === 'live') throw new NotEnded()
}

/** Takes jobs off the counts after the archive has deleted them. */
export async function uncountJobs(
  jobs: readonly Pick<Job, 'id' | 'state'>[],
  store: JobStore,
): Promise<void> {
  const pipeline = store.redis.pipeline()
  for (const { id, state } of jobs) {
    const shard = shardForJob(id, store)
    if (shard) pipeline.hincrby(keys.tally(shard), `deleted_${state}`, 1)
  }
  await answersOf(pipeline)
}
