import type { Job } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import type { Log } from '#jobs/log.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { dequeueJob, type Queues } from '#jobs/redis/queue.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import type { JobStore } from '#jobs/redis/store.ts'

export interface CancelDeps {
  store: JobStore
  queues: Queues
  log: Log
}

/** For jobs that change meanwhile. Attempts are seconds apart, so a few tries are enough. */
const maxTries = 5

/**
 * Cancels a job. When this resolves, its record says so and its lock is free; the worker is
 * notified, and its next write is refused. A job that has already ended is left unchanged.
 * @param by the canceller; the job's message names them, to its owner and to admins
 */
export async function cancelJob(
  job: Job,
  by: { userId: string; name: string },
  { store, queues, log }: CancelDeps,
): Promise<void> {
  const message = `Cancelled by ${by.name}${by.userId === job.userId ? '' : ', an admin'}.`
  let current = job
  for (let tries = 0; tries < maxTries && isLive(current.state); tries++) {
    const answer = await endJob(current, { state: 'cancelled', message }, store)
    if (answer !== 'changed') break
    const reading = await readJob(job.id, null, store)
    if (!reading) break
    current = reading.job
  }
  // Only tidies up: a worker that takes the entry later drops it.
  await dequeueJob(job, queues).catch((error) =>
    log.warn({ err: error, job: job.id }, 'Could not remove a cancelled job from the queue'),
  )
}
