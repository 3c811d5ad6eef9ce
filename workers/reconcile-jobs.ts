import { unforeseen } from '#jobs/errors.ts'
import type { Job } from '#jobs/job.ts'
import type { Log } from '#jobs/log.ts'
import {
  lost,
  lostTwice,
  neverRun,
  neverStarted,
  type QueueState,
  remedyFor,
  waitsInVain,
} from '#jobs/reconcile.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { jobsToCheck } from '#jobs/redis/jobs-to-check.ts'
import { dequeueJob, type Queues, queueOf } from '#jobs/redis/queue.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import { allShards, type JobStore } from '#jobs/redis/store.ts'
import { readWorkers } from '#jobs/redis/worker-registry.ts'
import type { WorkerProcess } from '#jobs/worker-process.ts'

export interface ReconcileDeps {
  store: JobStore
  queues: Queues
  log: Log
}

/** Maximum number of jobs of a shard that one pass checks. */
const jobsPerPass = 500

/**
 * One pass over live jobs that a dying process may have left inconsistent. Any number of processes
 * may do so at once.
 * @returns the ids of the jobs that it checked
 */
export async function reconcile(deps: ReconcileDeps): Promise<string[]> {
  const checked: string[] = []
  const workers = await readWorkers(deps.store)
  for (const shard of allShards(deps.store)) {
    const ids = await jobsToCheck(shard, jobsPerPass, deps.store)
    for (const id of ids) {
      // One job that fails must not keep the others from being checked.
      await reconcileJob(id, deps, workers).catch((error) =>
        deps.log.warn({ err: error, job: id }, 'Could not reconcile a job; will retry'),
      )
    }
    checked.push(...ids)
  }
  return checked
}

/**
 * Reconciles a job's record with its queue entry. Each write is guarded by the state and attempt
 * that were read, so acting late does no harm.
 * @param workers the processes that are alive, to end jobs that none of them can run
 */
export async function reconcileJob(
  id: string,
  deps: ReconcileDeps,
  workers: readonly WorkerProcess[] = [],
): Promise<void> {
  const { store, queues, log } = deps
  const reading = await readJob(id, null, store)
  if (!reading) return
  const { job } = reading
  const entry = await queueEntry(job, deps)
  const fail = (message: string) => endJob(job, { state: 'error', message }, store)
  switch (remedyFor(job.state, entry.state)) {
    case 'nothing':
      if (waitsInVain(job, workers)) await fail(neverRun)
      return
    case 'fail_lost': {
      const outcome = await fail(job.state === 'new' ? neverStarted : lost)
      // Otherwise, the job has moved on since it was read.
      if (outcome === 'ended')
        log.warn({ job: id, record: job.state, queue: entry }, 'A job had no entry in its queue')
      return
    }
    case 'fail_as_queue_says':
      await fail(entry.reason.includes('stalled') ? lostTwice : unforeseen)
      await dequeueJob(job, queues)
      return
    case 'remove_entry':
      await dequeueJob(job, queues)
  }
}

/** @returns `reason`, in BullMQ's words, if the entry failed; otherwise empty */
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
