import { keys, type Shard } from './keys.ts'
import { plainScript, runScript } from './scripts.ts'
import { type JobRef, type JobStore, shardOf } from './store.ts'

const countScript = plainScript('count-enqueue')

/** Live jobs of a shard, those first whose last check is longest ago, and marks them as checked. */
export async function jobsToCheck(shard: Shard, { most, at }: { most: number; at: Date }, store: JobStore): Promise<string[]> {
  const ids = await store.redis.zrange(keys.live(shard), 0, String(most - 1))
  if (ids.length > 0) {
    await store.redis.zadd(keys.live(shard), 'XX', ...ids.flatMap((id) => [at.getTime(), id]))
  }
  return ids
}

/** Ended jobs of a shard that are not archived yet, the oldest ending first. */
export async function jobsToArchive(shard: Shard, most: number, store: JobStore): Promise<string[]> {
  return store.redis.zrange(keys.ended(shard), 0, String(most - 1))
}

/** How often a job that has not begun was enqueued, this time included; 0 when it has begun or ended. */
export async function countEnqueue(job: JobRef, store: JobStore): Promise<number> {
  return Number(await runScript(store.redis, countScript, [keys.record(shardOf(job, store), job.id)], []))
}
