import { z } from 'zod'
import type { JobCounts } from '../job-counts.ts'
import { keys, type Shard } from './keys.ts'
import { answersOf } from './pipeline.ts'
import { plainScript, runScript } from './scripts.ts'
import type { JobStore } from './store.ts'

const restoreScript = plainScript('restore-tally')

/** Those of the jobs that Redis doesn't have. */
export async function missingJobs(
  ids: readonly string[],
  shard: Shard,
  store: JobStore,
): Promise<string[]> {
  const pipeline = store.redis.pipeline()
  for (const id of ids) pipeline.exists(keys.record(shard, id))
  const found = await answersOf(pipeline)
  return ids.filter((_, i) => found[i] === 0)
}

/** Has the lists of these users read again: the archive has jobs of theirs that no list knows. */
export async function announceLost(
  userIds: readonly string[],
  shard: Shard,
  store: JobStore,
): Promise<void> {
  const pipeline = store.redis.pipeline().hincrby(keys.tally(shard), 'changed', 1)
  for (const userId of userIds) pipeline.hincrby(keys.versions(shard), userId, 1)
  await answersOf(pipeline)
}

/** Ended jobs that are not released yet, and the counts of ended states. */
export async function endedIn(shard: Shard, store: JobStore): Promise<string[]> {
  return z.array(z.string()).parse(await store.redis.zrange(keys.ended(shard), 0, '-1'))
}

/** Sets the counts of a shard from the jobs in Redis and the numbers of those in the archive. */
export async function restoreTally(
  shard: Shard,
  archived: Pick<JobCounts, 'complete' | 'error' | 'cancelled'>,
  alsoInRedis: readonly string[],
  store: JobStore,
): Promise<void> {
  await runScript(
    store.redis,
    restoreScript,
    [keys.tally(shard), keys.live(shard), keys.ended(shard)],
    [keys.record(shard, ''), archived.complete, archived.error, archived.cancelled, ...alsoInRedis],
  )
}
