import type { Job } from './job.ts'

/** The state of a job's entry in the queue. */
export type QueueState = 'waiting' | 'active' | 'delayed' | 'completed' | 'failed' | 'absent'

export type Remedy = 'nothing' | 'enqueue' | 'fail_lost' | 'fail_as_queue_says' | 'remove_entry'

/**
 * The remedy for a job whose record and queue entry may disagree because a process died between two
 * steps.
 *
 * | record       | queue                    | remedy                                              |
 * |--------------|--------------------------|-----------------------------------------------------|
 * | new          | absent                   | enqueue (the caller stops after three times)        |
 * | new, running | failed                   | end it in error, for the reason the queue gives     |
 * | new          | completed                | end it in error: it was delivered but never started |
 * | running      | absent, completed        | end it in error                                     |
 * | new, running | waiting, active, delayed | nothing: a missing lock alone proves nothing        |
 * | ended        | waiting, delayed, failed | remove the entry                                    |
 * | ended        | active, absent, completed| nothing                                             |
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
  'The worker stopped responding a second time, so the search was not retried. Start it again.'
export const lost = 'The search was lost before it finished. Start it again.'
export const neverStarted = 'The search could not be started. Start it again.'
