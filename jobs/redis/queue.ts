import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { keys, type Shard } from './keys.ts'
import type { QueuedJob } from './queue-entry.ts'
import { allShards, type JobRef, type JobStore, shardOf } from './store.ts'

export type JobQueue = Queue<QueuedJob>

/**
 * The queues of a store: one per shard and type of search, so that a worker takes only the types
 * that it knows. Each is opened at first use.
 */
export interface Queues {
  of(search: string, shard: Shard): JobQueue
  /** Those that were used so far. */
  opened(): JobQueue[]
  store: JobStore
}

/** Passes BullMQ a connection, because in bundled code it can't find ioredis itself. */
export function openQueues(redis: Redis, store: JobStore): Queues {
  const open = new Map<string, JobQueue>()
  return {
    store,
    of(search, shard) {
      const name = `${shard.number} ${search}`
      const existing = open.get(name)
      if (existing) return existing
      const queue: JobQueue = new Queue(search, {
        connection: redis,
        prefix: keys.queues(shard),
        skipMetasUpdate: true,
      })
      // connect.ts logs an outage once. Without a listener, BullMQ would print every failed try.
      queue.on('error', () => {})
      open.set(name, queue)
      return queue
    },
    opened: () => [...open.values()],
  }
}

export async function closeQueues(queues: Queues): Promise<void> {
  await Promise.all(queues.opened().map((queue) => queue.close()))
}

export function queueOf(job: JobRef, queues: Queues): JobQueue {
  return queues.of(job.search, shardOf(job, queues.store))
}

/** The queues of a type, one per shard. */
export function queuesOf(search: string, queues: Queues): JobQueue[] {
  return allShards(queues.store).map((shard) => queues.of(search, shard))
}

/**
 * Removes a job's entry from the queue, if it has one and no worker holds it. A worker that takes an
 * entry whose job has ended drops it, so this only spares the memory.
 */
export async function dequeueJob(job: JobRef, queues: Queues): Promise<void> {
  const queue = queueOf(job, queues)
  const { redis } = queues.store
  // BullMQ would look for an absent entry in whole lists.
  if (!(await redis.exists(queue.toKey(job.id)))) return
  await queue.remove(job.id)
  await redis.publish(keys.moved(shardOf(job, queues.store), job.search), '')
}
