import { z } from 'zod'
import type { JobCounts } from '../job-counts.ts'
import { keys, type Shard } from './keys.ts'
import { answersOf } from './pipeline.ts'
import { plainScript, runScript } from './scripts.ts'
import type { JobRef, JobStore } from './store.ts'

const recountScript = plainScript('recount-jobs')
const dropScript = plainScript('drop-ended')

/** The epoch of what never was in a log of Redis, and of messages that carry no event. */
const noEpoch = 'lost'

export interface ShardStatus {
  epoch: string
  /** Nothing that was accepted is missing under this epoch, and the counts are right. */
  settled: boolean
  /** The time by the clock of Redis. */
  now: Date
}

const Status = z.tuple([
  z.tuple([z.coerce.number(), z.coerce.number()]),
  z.tuple([z.string().nullable(), z.string().nullable()]),
])

export async function statusOf(shard: Shard, store: JobStore): Promise<ShardStatus> {
  const pipeline = store.redis.pipeline().time().hmget(keys.shard(shard), 'epoch', 'settled')
  const [[seconds, microseconds], [epoch, settled]] = Status.parse(await answersOf(pipeline))
  return {
    // A Redis that was emptied has none until a worker notices it.
    epoch: epoch ?? noEpoch,
    settled: epoch !== null && epoch === settled,
    now: new Date(seconds * 1_000 + Math.floor(microseconds / 1_000)),
  }
}

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

/**
 * Announces jobs that were ended in the archive, to their watchers and to the lists that show them.
 * The messages carry no event: they make their readers read again, now from the archive.
 */
export async function announceLost(
  jobs: readonly Pick<JobRef, 'id' | 'userId'>[],
  shard: Shard,
  { addToCounts }: { addToCounts: boolean },
  store: JobStore,
): Promise<void> {
  const tally = keys.tally(shard)
  const pipeline = store.redis.pipeline()
  if (addToCounts)
    pipeline.hincrby(tally, 'created', jobs.length).hincrby(tally, 'error_new', jobs.length)
  else pipeline.hincrby(tally, 'changed', 1)
  for (const { id, userId } of jobs) {
    pipeline
      .hincrby(keys.versions(shard), userId, 1)
      .publish(keys.log(shard, id), `0|${noEpoch}|state||{}`)
      .publish(keys.ownJobs(shard, userId), `0|${noEpoch}|reread\n${id}`)
  }
  pipeline.publish(keys.feed(shard), `0|${noEpoch}|reread\n`)
  await answersOf(pipeline)
}

const Ids = z.array(z.string())

export async function liveIn(shard: Shard, store: JobStore): Promise<string[]> {
  return Ids.parse(await store.redis.zrange(keys.live(shard), 0, '-1'))
}

/** Ended jobs that are not released yet. */
export async function endedIn(shard: Shard, store: JobStore): Promise<string[]> {
  return Ids.parse(await store.redis.zrange(keys.ended(shard), 0, '-1'))
}

/**
 * Drops jobs that an older Redis has brought back although they are archived or deleted, and stops
 * their runs.
 */
export async function dropEnded(
  ids: readonly string[],
  shard: Shard,
  store: JobStore,
): Promise<void> {
  if (ids.length === 0) return
  await runScript(
    store.redis,
    dropScript,
    ids.map((id) => keys.record(shard, id)),
    [noEpoch],
  )
}

/**
 * Sets the counts of a shard from the jobs in Redis and the numbers of those in the archive, and
 * marks this epoch as settled.
 * @param alsoArchived ended jobs in Redis that are in the archive already, or deleted
 * @returns false if the epoch is another one by now: nothing is changed
 */
export async function recountJobs(
  shard: Shard,
  epoch: string,
  archived: Pick<JobCounts, 'complete' | 'error' | 'cancelled'>,
  alsoArchived: readonly string[],
  store: JobStore,
): Promise<boolean> {
  const answer = await runScript(
    store.redis,
    recountScript,
    [keys.shard(shard), keys.tally(shard), keys.live(shard), keys.ended(shard)],
    [
      epoch,
      keys.record(shard, ''),
      archived.complete,
      archived.error,
      archived.cancelled,
      ...alsoArchived,
    ],
  )
  if (answer !== 'recounted') return false
  await store.redis.publish(keys.feed(shard), `0|${noEpoch}|reread\n`)
  return true
}
