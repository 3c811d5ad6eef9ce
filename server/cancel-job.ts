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
  now(): Date
  log: Log
}

/** A job moves on at most this often while it is being cancelled: attempts are seconds apart. */
const mostTries = 5

/**
 * Cancels at once: the record says so and the lock is free before this resolves; the worker hears
 * of it or is refused its next write. A job that has ended already stays as it ended.
 * @param by who does it; the message names them, to the owner and to admins alike
 */
export async function cancelJob(
  job: Job,
  by: { userId: string; name: string },
  { store, queues, now, log }: CancelDeps,
): Promise<void> {
  const message = `Cancelled by ${by.name}${by.userId === job.userId ? '' : ', an admin'}.`
  let current = job
  for (let tries = 0; tries < mostTries && isLive(current.state); tries++) {
    const answer = await endJob(current, { state: 'cancelled', message, at: now() }, store)
    if (answer !== 'changed') break
    const reading = await readJob(job.id, null, store)
    if (!reading) break
    current = reading.job
  }
  // A worker that takes it from the queue later is refused, so this only tidies up.
  await dequeueJob(job, queues).catch((error) =>
    log.warn({ err: error, job: job.id }, 'Could not take a cancelled job out of the queue'),
  )
}
