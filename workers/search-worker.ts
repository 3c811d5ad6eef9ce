import { type Job as QueueJob, WaitingError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { PassingError } from '#jobs/errors.ts'
import { leaveAttempt } from '#jobs/redis/attempt.ts'
import { keys, type Shard } from '#jobs/redis/keys.ts'
import type { QueuedJob } from '#jobs/redis/queue.ts'
import { queueName, queueOf } from '#jobs/redis/queue.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import { workerOf } from '#jobs/redis/running-attempts.ts'
import type { Archiver } from './archive-ended.ts'
import { type ReconcileDeps, reconcileJob } from './reconcile-jobs.ts'
import { type RunDeps, runJob } from './run-job.ts'

/**
 * A worker that is killed is noticed when its lock runs out and the next check comes by: 8 + 4
 * seconds at most. A lock is renewed at half its time, so an event loop may stand still for four
 * seconds.
 */
const stalls = { lockDuration: 8_000, stalledInterval: 4_000, maxStalledCount: 1 }

export interface SearchWorkerOptions {
  redis: Redis
  concurrency: number
  /** The process, for people. */
  name: string
}

export interface SearchWorkerDeps<Tools> extends RunDeps<Tools>, ReconcileDeps {
  archiver: Archiver
}

/**
 * Takes a shard's jobs from the queue and runs them. It tells of stalls, and cleans up after each
 * job at once.
 */
export function createSearchWorker<Tools>(
  shard: Shard,
  { redis, concurrency, name }: SearchWorkerOptions,
  deps: SearchWorkerDeps<Tools>,
): Worker<QueuedJob> {
  const { log } = deps
  // BullMQ passes its signal only to processors that declare three parameters. Ours has its own,
  // which hears of more.
  const process = async (job: QueueJob<QueuedJob>, token?: string) => {
    const id = job.id ?? ''
    const held = token ?? ''
    await runJob(
      {
        id,
        userId: job.data.userId,
        search: job.name,
        number: job.attemptsStarted,
        token: held,
        worker: name,
        retriesLeft: (job.opts.attempts ?? 1) - job.attemptsMade - 1,
        async handBack() {
          await job.moveToWait(held)
          throw new WaitingError()
        },
      },
      deps,
    )
  }
  const worker = new Worker<QueuedJob>(queueName, process, {
    connection: redis,
    prefix: keys.queue(shard),
    concurrency,
    autorun: false,
    ...stalls,
  })
  // An outage is told once, by the connection that all of this process shares (connect.ts), not at
  // each try to connect again.
  worker.on('error', (error) => {
    if (!isConnectionError(error)) log.warn({ err: error }, 'The queue had trouble')
  })
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) deps.running.lockLost(id)
  })
  worker.on('completed', () => deps.archiver.wake())
  worker.on('stalled', (id) => {
    tellStalled(id).catch((error) => log.warn({ err: error, job: id }, 'Could not note a stall'))
  })
  worker.on('failed', (job, error) => {
    if (!job?.id) return
    if (!(error instanceof PassingError))
      log.error({ err: error, job: job.id }, 'The queue could not run a job')
    const id = job.id
    reconcileJob(id, deps)
      .then(() => deps.archiver.wake())
      .catch((error) =>
        log.warn({ err: error, job: id }, 'Could not settle a failed job yet; the reconciler will'),
      )
  })

  /** While it waits for another worker. Where one has it already, that one tells. */
  async function tellStalled(id: string): Promise<void> {
    const reading = await readJob(id, null, deps.store)
    if (reading?.job.state !== 'running') return
    const worker = await workerOf(id, deps.store)
    if (worker === null || (await queueOf(reading.job, deps.queues).getJobState(id)) !== 'waiting')
      return
    await leaveAttempt(
      reading.job,
      { why: 'The worker that ran this search was lost.', worker, at: deps.now() },
      deps.store,
    )
  }

  return worker
}

function isConnectionError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('ECONN')
}
