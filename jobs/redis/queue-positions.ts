import { z } from 'zod'
import { keys, type Shard } from './keys.ts'
import { plainScript, runScript } from './scripts.ts'
import { allShards, type JobStore } from './store.ts'

const positionsScript = plainScript('queue-positions')
const Positions = z.array(z.number())

/** Jobs further back than this are not counted: each costs a step in Redis. */
export const countedJobs = 1_000

/**
 * The number of jobs ahead of each of these jobs of a type, and whether its queue is paused. -1: at
 * least {@link countedJobs}, or it no longer waits.
 */
export async function positionsOf(
  ids: readonly string[],
  search: string,
  shard: Shard,
  store: JobStore,
): Promise<{ paused: boolean; ahead: number[] }> {
  const queue = `${keys.queues(shard)}:${search}`
  const [paused, ...ahead] = Positions.parse(
    await runScript(
      store.redis,
      positionsScript,
      [`${queue}:wait`, `${queue}:meta`],
      [countedJobs, ...ids],
    ),
  )
  return { paused: paused === 1, ahead }
}

/** How many jobs of the type wait in each of the other shards. */
export async function waitingElsewhere(
  search: string,
  shard: Shard,
  store: JobStore,
): Promise<number[]> {
  const others = allShards(store).filter(({ number }) => number !== shard.number)
  return Promise.all(
    others.map((other) => store.redis.llen(`${keys.queues(other)}:${search}:wait`)),
  )
}

/** Those of the jobs that have not started. */
export async function waitingJobs(
  ids: readonly string[],
  shard: Shard,
  store: JobStore,
): Promise<string[]> {
  const states = await Promise.all(
    ids.map((id) => store.redis.hget(keys.record(shard, id), 'state')),
  )
  return ids.filter((_, i) => states[i] === 'new')
}
