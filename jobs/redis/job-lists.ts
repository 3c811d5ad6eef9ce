import type { JobState, JobSummary } from '../job.ts'
import { keys, type Shard } from './keys.ts'
import { parseSummary, summaryFieldNames } from './record.ts'
import { allShards, type JobStore, shardForUser } from './store.ts'

/** The jobs of a user that are not archived yet, newest first. */
export async function unarchivedJobsOf(userId: string, store: JobStore): Promise<JobSummary[]> {
  const shard = shardForUser(userId, store)
  return readSummaries(shard, await store.redis.zrevrange(keys.mine(shard, userId), 0, -1), store)
}

/** Everybody's jobs that are not archived yet, newest first; `most` of each shard. */
export async function unarchivedJobs(most: number, store: JobStore): Promise<JobSummary[]> {
  const perShard = allShards(store).map(async (shard) =>
    readSummaries(shard, await store.redis.zrevrange(keys.all(shard), 0, most - 1), store),
  )
  return (await Promise.all(perShard)).flat().sort(newestFirst)
}

type Place = Pick<JobSummary, 'id' | 'createdAt'>

export function newestFirst(a: Place, b: Place): number {
  return a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id) ? 1 : -1
}

async function readSummaries(shard: Shard, ids: string[], store: JobStore): Promise<JobSummary[]> {
  if (ids.length === 0) return []
  const pipeline = store.redis.pipeline().get(keys.epoch(shard))
  for (const id of ids) pipeline.hmget(keys.record(shard, id), ...summaryFieldNames)
  const [epoch, ...records] =
    (await pipeline.exec())?.map(([error, value]) => {
      if (error) throw error
      return value
    }) ?? []
  return records.flatMap((values) => (Array.isArray(values) ? (parseSummary(values, String(epoch ?? '')) ?? []) : []))
}

export type JobCounts = Record<JobState, number>

/** How many jobs of all users are in each state, deleted ones apart. */
export async function countJobs(store: JobStore): Promise<JobCounts> {
  const counts: JobCounts = { new: 0, running: 0, complete: 0, error: 0, cancelled: 0 }
  for (const shard of allShards(store)) {
    const stored = await store.redis.hgetall(keys.counts(shard))
    for (const state of Object.keys(counts) as JobState[]) counts[state] += Number(stored[state] ?? 0)
  }
  return counts
}

/** How often a list has changed: a user's, or with `*` everybody's. */
export async function versionOf(shard: Shard, list: string, store: JobStore): Promise<number> {
  return Number((await store.redis.hget(keys.versions(shard), list)) ?? 0)
}
