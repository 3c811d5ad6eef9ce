import { sql } from 'drizzle-orm'
import type { Database } from '#jobs/postgres/connect.ts'
import { archiveLagMs } from '#jobs/redis/archive-lag.ts'
import { keys } from '#jobs/redis/keys.ts'
import type { Queues } from '#jobs/redis/queue.ts'
import { allShards, type JobStore } from '#jobs/redis/store.ts'
import { readWorkers } from '#jobs/redis/worker-registry.ts'
import { outageOf } from './outage.ts'

export interface HealthDeps {
  store: JobStore
  db: Database
  queues: Queues
  /** The types of search whose queues may be paused. */
  searches: readonly string[]
}

export interface Health {
  redisUp: boolean
  postgresUp: boolean
  /** Why the server can't answer requests. */
  problems: { part: 'redis' | 'postgres'; problem: string }[]
  /** Unknown while Redis is out of order. */
  upkeep: Upkeep | null
}

export interface Upkeep {
  workers: number
  /** How long the longest-waiting ended job has waited for the archive. */
  archiveLagSeconds: number
  /** Types of search whose queue is paused. */
  paused: string[]
}

/** `/readyz` and `/metrics` answer within 2 s, whatever hangs. */
const probeMs = 1_500
/** Ended jobs are archived within a second or two. */
export const archiveBehindSeconds = 60

export async function checkHealth(deps: HealthDeps): Promise<Health> {
  const [redis, postgres] = await Promise.all([
    problemOf('redis', probeRedis(deps)),
    problemOf('postgres', deps.db.execute(sql`select 1`)),
  ])
  const upkeep = redis ? null : await withinTime(readUpkeep(deps)).catch(() => null)
  return {
    redisUp: redis === null,
    postgresUp: postgres === null,
    problems: [redis, postgres].filter((problem) => problem !== null),
    upkeep,
  }
}

/** A write, because a Redis that is full or whose disk is full still reads. */
async function probeRedis({ store }: HealthDeps): Promise<void> {
  const shard = { namespace: store.namespace, number: 0 }
  await store.redis.hset(keys.shard(shard), 'probed', '1')
}

async function problemOf<Part extends 'redis' | 'postgres'>(part: Part, probe: Promise<unknown>) {
  try {
    await withinTime(probe)
    return null
  } catch (error) {
    const name = part === 'redis' ? 'Redis' : 'The database'
    return { part, problem: outageOf(error)?.problem ?? `${name} does not answer.` }
  }
}

async function readUpkeep({ store, queues, searches }: HealthDeps): Promise<Upkeep> {
  const shards = allShards(store)
  const [workers, lagMs, paused] = await Promise.all([
    readWorkers(store),
    archiveLagMs(store),
    Promise.all(
      searches.map(async (search) => {
        const ofShards = shards.map((shard) => queues.of(search, shard).isPaused())
        return (await Promise.all(ofShards)).some(Boolean) ? [search] : []
      }),
    ),
  ])
  return { workers: workers.length, archiveLagSeconds: lagMs / 1_000, paused: paused.flat() }
}

async function withinTime<Result>(work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The probe took too long')), probeMs)
  })
  work.catch(() => {})
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
