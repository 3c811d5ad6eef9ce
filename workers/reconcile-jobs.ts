import { unforeseen } from '#jobs/errors.ts'
import type { Job } from '#jobs/job.ts'
import type { Log } from '#jobs/log.ts'
import { lost, lostTwice, neverBegan, type QueueState, remedyFor } from '#jobs/reconcile.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { dequeueJob, enqueueJob, type Queues, queueOf } from '#jobs/redis/queue.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import { allShards, type JobStore } from '#jobs/redis/store.ts'
import { claimEnqueue, jobsToCheck } from '#jobs/redis/unfinished-jobs.ts'

export interface ReconcileDeps {
  store: JobStore
  queues: Queues
  attemptsOf(search: string): number | undefined
  now(): Date
  log: Log
}

/** Jobs looked at in one pass of a shard. */
const mostPerPass = 500

/**
 * One pass over what may be left behind when a process dies. Any number of processes may do it at
 * once.
 */
export async function reconcile(deps: ReconcileDeps): Promise<void> {
  for (const shard of allShards(deps.store)) {
    for (const id of await jobsToCheck(shard, mostPerPass, deps.store)) {
      // One job that can't be put right must not keep the others from it.
      await reconcileJob(id, deps).catch((error) =>
        deps.log.warn({ err: error, job: id }, 'Could not put a job right yet; will try again'),
      )
    }
  }
}

/**
 * Puts one job right. Each write is guarded by the state and attempt that were read, so being late
 * does no harm.
 */
export async function reconcileJob(id: string, deps: ReconcileDeps): Promise<void> {
  const { store, queues, now, log } = deps
  const reading = await readJob(id, null, store)
  if (!reading) return
  const { job } = reading
  const entry = await queueEntry(job, deps)
  const remedy = remedyFor(job.state, entry.state)
  const fail = (message: string) => endJob(job, { state: 'error', message, at: now() }, store)
  const tell = () =>
    log.warn(
      { job: id, record: job.state, queue: entry, remedy },
      'A job and its queue entry had come apart',
    )
  switch (remedy) {
    case 'nothing':
      return
    case 'enqueue': {
      const claim = await claimEnqueue(job, now(), store)
      if (claim === 'enqueue') {
        tell()
        await enqueueJob(job, { attempts: deps.attemptsOf(job.search) }, queues)
      }
      if (claim === 'too_often') {
        tell()
        await fail(neverBegan)
      }
      return
    }
    case 'fail_lost':
      tell()
      await fail(job.state === 'new' ? neverBegan : lost)
      return
    case 'fail_as_queue_says':
      tell()
      await fail(entry.reason.includes('stalled') ? lostTwice : unforeseen)
      await dequeueJob(job, queues)
      return
    case 'remove_entry':
      tell()
      await dequeueJob(job, queues)
  }
}

/** @returns the reason in the queue's own words, where it failed */
async function queueEntry(
  job: Job,
  { queues }: ReconcileDeps,
): Promise<{ state: QueueState; reason: string }> {
  const queue = queueOf(job, queues)
  const state = await queue.getJobState(job.id)
  if (state === 'failed') return { state, reason: (await queue.getJob(job.id))?.failedReason ?? '' }
  if (state === 'waiting' || state === 'active' || state === 'delayed' || state === 'completed')
    return { state, reason: '' }
  return { state: state === 'unknown' ? 'absent' : 'waiting', reason: '' }
}
