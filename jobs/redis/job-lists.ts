import { z } from 'zod'
import { type JobSummary, jobStates } from '../job.ts'
import type { JobCounts } from '../job-counts.ts'
import { keys, type Shard } from './keys.ts'
import { answersOf } from './pipeline.ts'
import { parseSummary, recordFieldsOfSummary } from './record.ts'
import { plainScript, runScript } from './scripts.ts'
import { allShards, type JobStore } from './store.ts'

/** Reads jobs of a shard as lists show them; skips those that are no longer in Redis. */
export async function readSummaries(
  shard: Shard,
  ids: readonly string[],
  store: JobStore,
): Promise<JobSummary[]> {
  if (ids.length === 0) return []
  const pipeline = store.redis.pipeline().hget(keys.shard(shard), 'epoch')
  // The seq is read before the rest, so a summary may be newer than its seq but never older.
  for (const id of ids)
    pipeline.llen(keys.log(shard, id)).hmget(keys.record(shard, id), ...recordFieldsOfSummary)
  const [epoch, ...answers] = await answersOf(pipeline)
  return ids.flatMap((id, i) => {
    const seq = answers[2 * i]
    const values = answers[2 * i + 1]
    if (!Array.isArray(values) || values[0] === null) return []
    return parseSummary(
      [id, String(seq), ...values.map((value) => value ?? '')],
      String(epoch ?? ''),
    )
  })
}

/** The number of jobs of all users in each state, archived ones included, deleted ones not. */
export async function countJobs(store: JobStore): Promise<JobCounts> {
  const perShard = await Promise.all(allShards(store).map((shard) => countJobsOf(shard, store)))
  const counts: JobCounts = { new: 0, running: 0, complete: 0, error: 0, cancelled: 0 }
  for (const ofShard of perShard) for (const state of jobStates) counts[state] += ofShard[state]
  return counts
}

/** The number of a shard's jobs in each state. */
export async function countJobsOf(shard: Shard, store: JobStore): Promise<JobCounts> {
  const tally = await readTally(shard, store)
  const neverStarted = tally('error_new') + tally('cancelled_new')
  return {
    new: tally('created') - tally('started') - neverStarted,
    running: tally('started') - tally('complete') - tally('error') - tally('cancelled'),
    complete: tally('complete') - tally('deleted_complete'),
    error: tally('error') + tally('error_new') - tally('deleted_error'),
    cancelled: tally('cancelled') + tally('cancelled_new') - tally('deleted_cancelled'),
  }
}

async function readTally(shard: Shard, store: JobStore): Promise<(change: string) => number> {
  const tally = await store.redis.hgetall(keys.tally(shard))
  return (change) => Number(tally[change] ?? 0)
}

/** How often a user's own list has changed. */
export async function versionOfOwnJobs(
  shard: Shard,
  userId: string,
  store: JobStore,
): Promise<number> {
  const [changes, sweeps] = await answersOf(
    store.redis.pipeline().hget(keys.versions(shard), userId).hget(keys.shard(shard), 'sweeps'),
  )
  return Number(sweeps ?? 0) * changesPerSweep + Number(changes ?? 0)
}

/** As in scripts/shared.lua: no owner's list changes as often between two sweeps. */
const changesPerSweep = 1_000_000_000

const sweepScript = plainScript('sweep-versions')
const ownersPerSweep = 500

/** Forgets the versions of users who have no unarchived jobs. */
export async function sweepVersions(shard: Shard, store: JobStore): Promise<void> {
  let cursor = '0'
  do {
    cursor = z
      .string()
      .parse(
        await runScript(
          store.redis,
          sweepScript,
          [keys.versions(shard), keys.shard(shard)],
          [keys.ownJobs(shard, ''), cursor, ownersPerSweep],
        ),
      )
  } while (cursor !== '0')
}

/** How often any job of a shard has changed. */
export async function versionOfAllJobs(shard: Shard, store: JobStore): Promise<number> {
  return (await store.redis.hvals(keys.tally(shard))).reduce((sum, count) => sum + Number(count), 0)
}
