import type { Job } from './job.ts'

/** What the queue knows of a job. `failed` with the reason that it gives. */
export type QueueState = 'waiting' | 'active' | 'delayed' | 'completed' | 'failed' | 'absent'

export type Remedy = 'nothing' | 'enqueue' | 'fail_lost' | 'fail_as_queue_says' | 'remove_entry'

/**
 * What to do about a job whose record and queue entry may have come apart: a process died between
 * two steps.
 *
 * | record       | queue                    | remedy                                            |
 * |--------------|--------------------------|---------------------------------------------------|
 * | new          | absent                   | enqueue (the caller stops after three times)      |
 * | new, running | failed                   | end it in error, as the queue says                |
 * | new          | completed                | end it in error: it was handed out and not begun  |
 * | running      | absent, completed        | end it in error                                   |
 * | new, running | waiting, active, delayed | nothing: a missing lock alone proves nothing      |
 * | ended        | waiting, delayed, failed | remove the entry                                  |
 * | ended        | active, absent, completed| nothing                                           |
 */
export function remedyFor(record: Job['state'], queue: QueueState): Remedy {
  if (record !== 'new' && record !== 'running') {
    return queue === 'waiting' || queue === 'delayed' || queue === 'failed'
      ? 'remove_entry'
      : 'nothing'
  }
  if (queue === 'failed') return 'fail_as_queue_says'
  if (queue === 'completed') return 'fail_lost'
  if (queue === 'absent') return record === 'new' ? 'enqueue' : 'fail_lost'
  return 'nothing'
}

export const lostTwice =
  'The worker that ran this search was lost twice, so it was not tried a third time.'
export const lost = 'The search was lost before it ended. Please start it again.'
export const neverBegan = 'The search could not be started. Please start it again.'
