import { type JobsOptions, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { keys, type Shard } from './keys.ts'
import { allShards, type JobRef, type JobStore, shardOf } from './store.ts'

export const queueName = 'searches'

/**
 * The data of a job's entry in BullMQ; the rest is in our own record. The entry's id and name are
 * the job's id and search type.
 */
export interface QueuedJob {
  userId: string
}

export type JobQueue = Queue<QueuedJob>

/** One queue per shard, in the order of the shards. */
export interface Queues {
  byShard: { shard: Shard; queue: JobQueue }[]
  store: JobStore
}

/**
 * BullMQ removes completed entries at once, since the record is ours. Failed ones stay until the
 * reconciler has ended their job in error.
 */
export const retention: JobsOptions = {
  removeOnComplete: true,
  removeOnFail: { age: 24 * 60 * 60 },
}

/** The first retry follows after 50 to 100 % of this; the delay doubles with each further one. */
const firstRetryAfterMs = 1_000
const defaultAttempts = 3

/** Passes BullMQ a connection, because in bundled code it can't find ioredis itself. */
export function openQueues(redis: Redis, store: JobStore): Queues {
  const byShard = allShards(store).map((shard) => {
    const queue: JobQueue = new Queue(queueName, { connection: redis, prefix: keys.queue(shard) })
    // connect.ts logs an outage once. Without a listener, BullMQ would print every failed try.
    queue.on('error', () => {})
    return { shard, queue }
  })
  return { byShard, store }
}

export function queueOf(job: JobRef, queues: Queues): JobQueue {
  const { number } = shardOf(job, queues.store)
  const found = queues.byShard.find(({ shard }) => shard.number === number)
  if (!found) throw new Error(`No queue for shard ${number}`)
  return found.queue
}

/** Adds a created job to the queue. Does nothing if the job already has an entry. */
export async function enqueueJob(
  job: JobRef,
  { attempts = defaultAttempts }: { attempts?: number | undefined },
  queues: Queues,
): Promise<void> {
  await queueOf(job, queues).add(
    job.search,
    { userId: job.userId },
    {
      ...retention,
      jobId: job.id,
      attempts,
      backoff: { type: 'exponential', delay: firstRetryAfterMs, jitter: 0.5 },
    },
  )
}

/** Removes a job's entry from the queue. False while a worker holds it. */
export async function dequeueJob(job: JobRef, queues: Queues): Promise<boolean> {
  return (await queueOf(job, queues).remove(job.id)) === 1
}

export async function closeQueues({ byShard }: Queues): Promise<void> {
  await Promise.all(byShard.map(({ queue }) => queue.close()))
}
