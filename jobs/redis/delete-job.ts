import { NotEnded } from '../errors.ts'
import type { Job } from '../job.ts'
import { keys } from './keys.ts'
import { answersOf } from './pipeline.ts'
import { changeScript, runScript } from './scripts.ts'
import { type JobStore, shardForJob, shardOf } from './store.ts'

const deleteScript = changeScript('delete-job')

/**
 * Removes an ended job from Redis and tells the lists that show it.
 * @param counted whether it is to be taken off the count of its state: by the one deleter that
 * found it, not by others at the same time
 * @throws {NotEnded}
 */
export async function deleteFromStore(
  job: Job,
  { counted }: { counted: boolean },
  store: JobStore,
): Promise<void> {
  const key = keys.record(shardOf(job, store), job.id)
  const answer = await runScript(
    store.redis,
    deleteScript,
    [key],
    [job.userId, job.state, counted ? '1' : ''],
  )
  if (answer === 'live') throw new NotEnded()
}

/** Takes jobs that the archive has let go off the counts. */
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
