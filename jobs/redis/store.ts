import type { Redis } from 'ioredis'
import { shardOfJob, shardOfUser } from '../job-id.ts'
import type { Shard } from './keys.ts'

/** Where the live jobs are: a connection and how its keys are named. */
export interface JobStore {
  redis: Redis
  namespace: string
  /**
   * How many shards there are. Users are spread over them by a hash, so the number is fixed once
   * jobs exist.
   */
  shards: number
}

/** What names a job's keys. */
export interface JobRef {
  id: string
  userId: string
  search: string
}

export function shardForUser(userId: string, store: JobStore): Shard {
  return { namespace: store.namespace, number: shardOfUser(userId, store.shards) }
}

/** The shard of a job, or null when the id can't be one of ours. */
export function shardForJob(id: string, store: JobStore): Shard | null {
  const number = shardOfJob(id)
  return number === null || number >= store.shards ? null : { namespace: store.namespace, number }
}

export function shardOf(ref: JobRef, store: JobStore): Shard {
  const shard = shardForJob(ref.id, store)
  if (!shard) throw new Error(`No shard holds a job ${ref.id}`)
  return shard
}

export function allShards(store: JobStore): Shard[] {
  return Array.from({ length: store.shards }, (_, number) => ({
    namespace: store.namespace,
    number,
  }))
}
