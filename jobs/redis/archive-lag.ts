import { keys, type Shard } from './keys.ts'
import { answersOf } from './pipeline.ts'
import { allShards, type JobStore } from './store.ts'

/** How many waiting jobs are looked at in each shard. */
const sampleSize = 200

/**
 * For how long the oldest ended job has waited for the archive, in ms; 0 if none waits. Exact up to
 * 200 waiting jobs a shard. Of more, it looks at 200 in equal distances: archivers that fail move
 * jobs within their order, so the oldest may be anywhere.
 */
export async function archiveLagMs(store: JobStore): Promise<number> {
  const lags = await Promise.all(allShards(store).map((shard) => lagOf(shard, store)))
  return Math.max(0, ...lags)
}

async function lagOf(shard: Shard, { redis }: JobStore): Promise<number> {
  const waiting = await redis.zcard(keys.ended(shard))
  if (waiting === 0) return 0
  const step = Math.max(1, (waiting - 1) / (sampleSize - 1))
  const ids = redis.pipeline()
  for (let at = 0; Math.round(at) < waiting; at += step) {
    const rank = String(Math.round(at))
    ids.zrange(keys.ended(shard), rank, rank)
  }
  const sample = (await answersOf(ids)).flat().map(String)
  const endings = redis.pipeline().time()
  for (const id of sample) endings.hget(keys.record(shard, id), 'finishedAt')
  const [time, ...finishedAt] = await answersOf(endings)
  const nowMs = Array.isArray(time) ? Number(time[0]) * 1_000 + Number(time[1]) / 1_000 : 0
  const times = finishedAt.filter((at) => at !== null).map(Number)
  return times.length === 0 ? 0 : nowMs - Math.min(...times)
}
