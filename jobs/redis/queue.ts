import { type JobsOptions, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { keys, type Shard } from './keys.ts'
import { allShards, type JobRef, type JobStore, shardOf } from './store.ts'

export const queueName = 'searches'

/**
 * What BullMQ carries of a job: the record is elsewhere. Its id and name are the job's id and
 * search type.
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
 * BullMQ keeps no record for us: what completed is gone at once, what failed waits for the
 * reconciler to tell its owner.
 */
export const keeping: JobsOptions = { removeOnComplete: true, removeOnFail: { age: 24 * 60 * 60 } }

/** The first retry comes after half of this to all of it, each further one after twice as long. */
const firstRetryAfterMs = 1_000
const attemptsByDefault = 3

/** BullMQ is handed the connection, since where code is bundled it can't find ioredis by itself. */
export function openQueues(redis: Redis, store: JobStore): Queues {
  const byShard = allShards(store).map((shard) => {
    const queue: JobQueue = new Queue(queueName, { connection: redis, prefix: keys.queue(shard) })
    // Its connection tells of an outage itself (connect.ts), once; unheard, BullMQ would print each
    // try.
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

/**
 * Hands a created job to the workers. The same id again changes nothing while the first is there.
 */
export async function enqueueJob(
  job: JobRef,
  { attempts = attemptsByDefault }: { attempts?: number | undefined },
  queues: Queues,
): Promise<void> {
  await queueOf(job, queues).add(
    job.search,
    { userId: job.userId },
    {
      ...keeping,
      jobId: job.id,
      attempts,
      backoff: { type: 'exponential', delay: firstRetryAfterMs, jitter: 0.5 },
    },
  )
}

/** Takes a job's entry out of the queue. False while a worker holds it. */
export async function dequeueJob(job: JobRef, queues: Queues): Promise<boolean> {
  return (await queueOf(job, queues).remove(job.id)) === 1
}

export async function closeQueues({ byShard }: Queues): Promise<void> {
  await Promise.all(byShard.map(({ queue }) => queue.close()))
}
