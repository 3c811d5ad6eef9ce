import { type Job as QueueJob, WaitingError, Worker, type WorkerOptions } from 'bullmq'
import { PassingError } from '#jobs/errors.ts'
import { endAttempt } from '#jobs/redis/attempt.ts'
import { keys, type Shard } from '#jobs/redis/keys.ts'
import { queueOf } from '#jobs/redis/queue.ts'
import type { QueuedJob } from '#jobs/redis/queue-entry.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import { workerOf } from '#jobs/redis/running-attempts.ts'
import { type TrackedBackend, trackedBackend } from '#jobs/redis/tracked-backend.ts'
import type { TypeSlots } from '#jobs/redis/type-slots.ts'
import type { Archiver } from './archive-ended.ts'
import { type ReconcileDeps, reconcileJob } from './reconcile-jobs.ts'
import { type RunDeps, runJob } from './run-job.ts'

/**
 * A killed worker is detected at the first check after its lock expires: within 8 + 4 seconds. A
 * lock is renewed at half its time, so an event loop may be blocked for 4 seconds.
 */
const stalls = { lockDuration: 8_000, stalledInterval: 4_000, maxStalledCount: 1 }

export interface SearchWorkerOptions {
  /** The type of search that it runs. */
  search: string
  /** Shared with the workers of this type for other shards. */
  slots: TypeSlots
  /** Name of the process, for users. */
  name: string
}

export interface SearchWorkerDeps<Tools> extends RunDeps<Tools>, ReconcileDeps {
  archiver: Archiver
}

/** Runs a shard's jobs of one type from their queue, notes stalled attempts, and archives jobs as they end. */
export function createSearchWorker<Tools>(
  shard: Shard,
  { search, slots, name }: SearchWorkerOptions,
  deps: SearchWorkerDeps<Tools>,
): Worker<QueuedJob> {
  const { log, store } = deps
  let backend: TrackedBackend | undefined
  // BullMQ passes its signal only to processors that declare three parameters. A run has its own
  // signal, which covers more causes.
  const process = async (job: QueueJob<QueuedJob>, token?: string) => {
    const id = job.id ?? ''
    const lockToken = token ?? ''
    await runJob(
      {
        id,
        userId: job.data.userId,
        search,
        number: job.attemptsStarted,
        started: backend?.takeStarted(id) ?? null,
        token: lockToken,
        worker: name,
        retriesLeft: (job.opts.attempts ?? 1) - job.attemptsMade - 1,
        endWith: (write) => backend?.endWith(lockToken, write),
        async handBack() {
          await job.moveToWait(lockToken)
          throw new WaitingError()
        },
      },
      deps,
    )
  }
  const options: WorkerOptions = {
    connection: store.redis,
    prefix: keys.queues(shard),
    concurrency: slots.count,
    autorun: false,
    ...stalls,
  }
  const factory = trackedBackend(
    { store, shard, worker: name, lockMs: stalls.lockDuration, slots },
    (created) => {
      backend = created
    },
  )
  const worker = new Worker<QueuedJob>(search, process, options, factory)
  // connect.ts logs an outage of the connection that this process shares once, not at every try.
  worker.on('error', (error) => {
    if (!isConnectionError(error)) log.warn({ err: error }, 'The queue worker had an error')
  })
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) deps.running.lockLost(id)
  })
  worker.on('completed', () => deps.archiver.wake())
  worker.on('stalled', (id) => {
    noteStalled(id).catch((error) => log.warn({ err: error, job: id }, 'Could not note a stall'))
  })
  worker.on('failed', (job, error) => {
    if (!job?.id) return
    if (!(error instanceof PassingError))
      log.error({ err: error, job: job.id }, 'The queue could not run a job')
    const id = job.id
    reconcileJob(id, deps)
      .then(() => deps.archiver.wake())
      .catch((error) =>
        log.warn({ err: error, job: id }, 'Could not end a failed job; the reconciler will'),
      )
  })

  /** Notes a stall while the job waits; a worker that already has the job notes it itself. */
  async function noteStalled(id: string): Promise<void> {
    const reading = await readJob(id, null, deps.store)
    if (reading?.job.state !== 'running') return
    const worker = await workerOf(id, deps.store)
    if (worker === null || (await queueOf(reading.job, deps.queues).getJobState(id)) !== 'waiting')
      return
    await endAttempt(
      reading.job,
      {
        why: 'The worker stopped responding. The search is waiting for another worker.',
        worker,
      },
      deps.store,
    )
  }

  return worker
}

function isConnectionError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('ECONN')
}
