import type { Job } from '#jobs/job.ts'
import { lost, lostTwice, neverBegan, type QueueState, remedyFor } from '#jobs/reconcile.ts'
import type { Log } from '#jobs/redis/connect.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { dequeueJob, enqueueJob, queueOf } from '#jobs/redis/queue.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import { allShards } from '#jobs/redis/store.ts'
import { countEnqueue, jobsToArchive, jobsToCheck } from '#jobs/redis/unfinished-jobs.ts'
import { type ArchiveDeps, archiveEnded } from './archive-ended.ts'

export interface ReconcileDeps extends ArchiveDeps {
  attemptsOf(search: string): number | undefined
  now(): Date
  log: Log
}

/** Jobs looked at in one pass of a shard. */
const mostPerPass = 500
const mostEnqueues = 3

/** One pass over all that may be left behind when a process dies. Any number of processes may do it at once. */
export async function reconcile(deps: ReconcileDeps): Promise<void> {
  const { store, now, log } = deps
  // One job that can't be put right must not keep the others from it.
  const willTryAgain = (id: string) => (error: unknown) =>
    log.warn({ err: error, job: id }, 'Could not put a job right yet; will try again')
  for (const shard of allShards(store)) {
    for (const id of await jobsToCheck(shard, { most: mostPerPass, at: now() }, store)) {
      await reconcileJob(id, deps).catch(willTryAgain(id))
    }
    for (const id of await jobsToArchive(shard, mostPerPass, store)) await archiveEnded(id, deps).catch(willTryAgain(id))
  }
}

/** Puts one job right. Each write is guarded by the state and attempt that were read, so being late does no harm. */
export async function reconcileJob(id: string, deps: ReconcileDeps): Promise<void> {
  const { store, queues, now, log } = deps
  const reading = await readJob(id, null, store)
  if (!reading) return
  const { job } = reading
  const entry = await queueEntry(job, deps)
  const remedy = remedyFor(job.state, entry.state)
  if (remedy === 'nothing') return
  log.warn({ job: id, record: job.state, queue: entry.state, remedy }, 'A job and its queue entry had come apart')
  const fail = (message: string) => endJob(job, { state: 'error', message, at: now() }, store)
  if (remedy === 'enqueue') {
    const count = await countEnqueue(job, store)
    if (count > mostEnqueues) await fail(neverBegan)
    else if (count > 0) await enqueueJob(job, { attempts: deps.attemptsOf(job.search) }, queues)
  }
  if (remedy === 'fail_lost') await fail(job.state === 'new' ? neverBegan : lost)
  if (remedy === 'fail_as_queue_says')
    await fail(entry.reason.includes('stalled') ? lostTwice : `The search failed: ${entry.reason}`)
  if (remedy === 'remove_entry' || remedy === 'fail_as_queue_says') await dequeueJob(job, queues)
}

async function queueEntry(job: Job, { queues }: ReconcileDeps): Promise<{ state: QueueState; reason: string }> {
  const queue = queueOf(job, queues)
  const state = await queue.getJobState(job.id)
  if (state === 'failed') return { state, reason: (await queue.getJob(job.id))?.failedReason ?? 'it failed' }
  if (state === 'waiting' || state === 'active' || state === 'delayed' || state === 'completed') return { state, reason: '' }
  return { state: state === 'unknown' ? 'absent' : 'waiting', reason: '' }
}
