import type { Redis } from 'ioredis'
import { shardOfJob, shardOfUser } from '../job-id.ts'
import type { Shard } from './keys.ts'

/** The Redis that holds the live jobs, and how their keys are named. */
export interface JobStore {
  redis: Redis
  namespace: string
  /** Number of shards. Fixed once jobs exist, because users are spread over them by a hash. */
  shards: number
}

/** The facts about a job that its keys and its queue entry are made from. */
export interface JobRef {
  id: string
  userId: string
  search: string
}

export function shardForUser(userId: string, store: JobStore): Shard {
  return { namespace: store.namespace, number: shardOfUser(userId, store.shards) }
}

/** The shard of a job, or null if no job of this store can have that id. */
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
