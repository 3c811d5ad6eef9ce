import { z } from 'zod'
import { keys, type Shard } from './keys.ts'
import { plainScript, runScript } from './scripts.ts'
import { type JobRef, type JobStore, shardOf } from './store.ts'

const nextScript = plainScript('next-to-check')
const claimEnqueueScript = plainScript('claim-enqueue')

const Ids = z.array(z.string())

/** The live jobs of a shard that are next to be checked: round and round, shared by all who ask. */
export async function jobsToCheck(shard: Shard, most: number, store: JobStore): Promise<string[]> {
  return Ids.parse(
    await runScript(store.redis, nextScript, [keys.live(shard), keys.shard(shard)], [most]),
  )
}

/**
 * How long whoever created a job, or enqueued it last, has for it; and how often it is enqueued
 * again.
 */
const enqueueing = { patienceMs: 5_000, mostTimes: 3 }

const Claim = z.enum(['enqueue', 'wait', 'changed', 'too_often'])

/** Whether the caller is to enqueue a job that has not begun and that the queue does not know. */
export async function claimEnqueue(
  job: JobRef,
  at: Date,
  store: JobStore,
): Promise<z.infer<typeof Claim>> {
  const shard = shardOf(job, store)
  return Claim.parse(
    await runScript(
      store.redis,
      claimEnqueueScript,
      [keys.record(shard, job.id), keys.live(shard)],
      [job.id, at.getTime(), enqueueing.patienceMs, enqueueing.mostTimes],
    ),
  )
}
