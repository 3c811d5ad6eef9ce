import { setTimeout as wait } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { errorForLog } from '#jobs/error-for-log.ts'
import type { Log } from '#jobs/log.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import { archiveLagMs } from '#jobs/redis/archive-lag.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { type Outage, outageOf, sentenceFor } from './outage.ts'

/** A part that is out of order, and how: a sentence for people. */
export interface Problem {
  part: 'redis' | 'postgres'
  problem: string
}

export interface Health {
  /** What keeps this server from working. */
  problems: Problem[]
  /** What people should know, although this server works. */
  warnings: string[]
  /** The outages among the problems. */
  outages: Outage[]
  redisUp: boolean
  postgresUp: boolean
  /** Null where Redis did not tell in time. */
  workers: number | null
  archiveLagSeconds: number | null
  /** Types of searches that are paused. */
  paused: string[] | null
}

export interface HealthDeps {
  store: JobStore
  db: Database
  /** The number of connected worker processes. */
  countWorkers(): Promise<number>
  /** The types of searches that are paused. */
  pausedSearches(): Promise<string[]>
  /** How long a check may take. */
  checkMs: number
  log: Log
}

/** Ended jobs are archived within seconds. */
const archiveIsBehindAfterSeconds = 60

/**
 * Makes the check of everything that this server needs. It ends in time, whatever hangs. Calls
 * during a check share it, so any number of probes costs Redis and PostgreSQL one query at a time.
 */
export function createHealthCheck(deps: HealthDeps): () => Promise<Health> {
  let current: Promise<Health> | null = null
  let known = ''
  return () => {
    current ??= check(deps)
      .then((health) => {
        const found = JSON.stringify(health.problems)
        const { problems } = health
        if (found !== known && problems.length > 0) deps.log.warn({ problems }, 'Not ready')
        else if (found !== known && known !== '') deps.log.info({}, 'Ready again')
        known = found
        return health
      })
      .finally(() => {
        current = null
      })
    return current
  }
}

async function check(deps: HealthDeps): Promise<Health> {
  const [redis, postgres, workers, lag, paused] = await Promise.all([
    problemOf('Redis', tryRedis, () => silenceOf(deps.store), deps),
    problemOf('PostgreSQL', tryPostgres, () => 'hung', deps),
    orNull(deps.countWorkers(), deps),
    orNull(archiveLagMs(deps.store), deps),
    orNull(deps.pausedSearches(), deps),
  ])
  const archiveLagSeconds = lag === null ? null : Math.round(lag / 1_000)
  return {
    problems: [redis, postgres].flatMap((found) => found?.problem ?? []),
    outages: [redis, postgres].flatMap((found) => found?.outage ?? []),
    warnings: warningsOf({ workers, archiveLagSeconds, paused }),
    redisUp: redis === null,
    postgresUp: postgres === null,
    workers,
    archiveLagSeconds,
    paused,
  }
}

/** Writes, because a Redis that is full or cannot save still answers reads. */
async function tryRedis({ store }: HealthDeps): Promise<null> {
  await store.redis.set(`{${store.namespace}:0}:health`, '1', 'PX', 10_000)
  return null
}

/** Why Redis says nothing. While ioredis reconnects, a command waits for the connection. */
function silenceOf({ redis }: JobStore): 'unreachable' | 'hung' {
  return redis.status === 'ready' || redis.status === 'connect' ? 'hung' : 'unreachable'
}

async function tryPostgres({ db }: HealthDeps): Promise<Outage | null> {
  const { rows } = await db.execute<{ read_only: string }>(
    sql`select current_setting('transaction_read_only') as read_only`,
  )
  return rows[0]?.read_only === 'on' ? { part: 'PostgreSQL', problem: 'read_only' } : null
}

/**
 * @param attempt resolves with the outage that the part admits, null if it works
 * @param silence why the attempt did not end in time
 */
async function problemOf(
  part: Outage['part'],
  attempt: (deps: HealthDeps) => Promise<Outage | null>,
  silence: () => 'unreachable' | 'hung',
  deps: HealthDeps,
): Promise<{ problem: Problem; outage: Outage | null } | null> {
  try {
    const answer = await within(deps.checkMs, attempt(deps), 'late' as const)
    const outage: Outage | null = answer === 'late' ? { part, problem: silence() } : answer
    return outage && { outage, problem: problemFor(outage) }
  } catch (error) {
    const outage = outageOf(error)
    if (outage) return { outage, problem: problemFor(outage) }
    deps.log.error({ err: error }, `Could not check ${part}`)
    return {
      outage: null,
      problem: {
        part: keyOf[part],
        problem: `${part} answers with an error: ${errorForLog(error).message}`,
      },
    }
  }
}

const keyOf = { Redis: 'redis', PostgreSQL: 'postgres' } as const

function problemFor(outage: Outage): Problem {
  return { part: keyOf[outage.part], problem: sentenceFor(outage) }
}

async function orNull<Value>(
  value: Promise<Value>,
  { checkMs }: HealthDeps,
): Promise<Value | null> {
  // The check of Redis tells its own problem.
  return within(checkMs, value, null).catch(() => null)
}

/** The value, or `late` when it does not come in time. */
export async function within<Value, Late>(
  ms: number,
  value: Promise<Value>,
  late: Late,
): Promise<Value | Late> {
  const timer = new AbortController()
  try {
    return await Promise.race([value, wait(ms, late, { signal: timer.signal })])
  } finally {
    timer.abort()
  }
}

function warningsOf({
  workers,
  archiveLagSeconds,
  paused,
}: Pick<Health, 'workers' | 'archiveLagSeconds' | 'paused'>): string[] {
  const warnings: string[] = []
  if (workers === 0) warnings.push('No worker is connected. Searches wait until one starts.')
  if (archiveLagSeconds !== null && archiveLagSeconds > archiveIsBehindAfterSeconds)
    warnings.push(`The archive is behind: an ended search has waited for ${archiveLagSeconds} s.`)
  if (paused && paused.length > 0)
    warnings.push(
      `These searches are paused and wait until an admin resumes them: ${paused.join(', ')}.`,
    )
  return warnings
}
