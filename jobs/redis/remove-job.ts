import { NotEnded } from '../errors.ts'
import type { Job } from '../job.ts'
import { jobKeys } from './keys.ts'
import { changeScript, runScript } from './scripts.ts'
import { type JobRef, type JobStore, shardOf } from './store.ts'

const releaseScript = changeScript('release-job')
const deleteScript = changeScript('delete-job')

/** How long an archived job stays in Redis, for those who are watching its end. */
const graceSeconds = 10 * 60

/** Lets an archived job go from Redis. Call it only after the archive has committed. */
export async function releaseJob(job: JobRef, store: JobStore): Promise<void> {
  await runScript(store.redis, releaseScript, jobKeys(shardOf(job, store), job), [job.id, graceSeconds])
}

/** Removes an ended job from Redis and tells the lists that show it. @throws {NotEnded} */
export async function deleteFromStore(job: Job, store: JobStore): Promise<void> {
  const answer = await runScript(store.redis, deleteScript, jobKeys(shardOf(job, store), job), [job.id, job.userId, job.state])
  if (answer === 'live') throw new NotEnded()
}
