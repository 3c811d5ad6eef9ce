import type { Job } from './job.ts'
import type { WorkerProcess } from './worker-process.ts'

/** The state of a job's entry in the queue. */
export type QueueState = 'waiting' | 'active' | 'delayed' | 'completed' | 'failed' | 'absent'

export type Remedy = 'nothing' | 'fail_lost' | 'fail_as_queue_says' | 'remove_entry'

/**
 * The remedy for a job whose record and queue entry disagree. Our scripts change both in one step,
 * so this happens only if BullMQ fails the entry of a job that stalled too often, if a job is ended
 * from outside its run, or if an entry was removed by other tools.
 *
 * | record       | queue                     | remedy                                             |
 * |--------------|---------------------------|----------------------------------------------------|
 * | new, running | failed                    | end it in error, for the reason the queue gives    |
 * | new, running | absent, completed         | end it in error                                    |
 * | new, running | waiting, active, delayed  | nothing: a missing lock alone proves nothing       |
 * | ended        | waiting, delayed, failed  | remove the entry                                   |
 * | ended        | active, absent, completed | nothing                                            |
 */
export function remedyFor(record: Job['state'], queue: QueueState): Remedy {
  if (record !== 'new' && record !== 'running') {
    return queue === 'waiting' || queue === 'delayed' || queue === 'failed'
      ? 'remove_entry'
      : 'nothing'
  }
  if (queue === 'failed') return 'fail_as_queue_says'
  return queue === 'absent' || queue === 'completed' ? 'fail_lost' : 'nothing'
}

const dayMs = 24 * 60 * 60_000

/**
 * Whether a job has waited for a day and no worker that is alive runs its type, such as after an
 * upgrade of the server alone. A worker that is to be upgraded too has a day for it.
 */
export function waitsInVain(job: Job, workers: readonly WorkerProcess[]): boolean {
  if (job.state !== 'new' || workers.length === 0) return false
  if (workers.some(({ searches }) => searches.some(({ name }) => name === job.search))) return false
  const now = Math.max(...workers.map(({ seenAt }) => Date.parse(seenAt)))
  return now - Date.parse(job.createdAt) > dayMs
}

export const neverRun =
  'No worker has been able to run this type of search for a day. Ask an admin to update the workers, then start it again.'
export const lostTwice =
  'The worker stopped responding a second time, so the search was not retried. Start it again.'
export const lost = 'The search was lost before it finished. Start it again.'
export const lostWithStore =
  'This search was lost when the store of running searches lost its data. Start it again.'
export const neverStarted = 'The search could not be started. Start it again.'
