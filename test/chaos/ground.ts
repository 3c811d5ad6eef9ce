import type { ChildProcess } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { inject } from 'vitest'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { parseListChange } from '#jobs/redis/announcements.ts'
import { ensurePostgres, stopPostgres } from '#scripts/services/postgres.ts'
import { endProcess } from '#scripts/services/process-mark.ts'
import { ensureRedis, stopRedis } from '#scripts/services/redis.ts'
import { createApiKey } from '#server/accounts/api-keys.ts'
import { createAccount } from '#server/accounts/create-account.ts'
import { buildIndexOfManyShards } from '../searches/many-shards.ts'
import { password, startServerProcess, startWorker, stopProcess } from '../server/server-fixture.ts'

export interface GroundOptions {
  workers: number
  servers: number
  users: number
  /** How large the index is that each search reads through. */
  index: { shards: number; sites: number }
}

/** All of Searchlight, in processes and services of its own that can be killed: Redis with its append-only file, and PostgreSQL. */
export async function openGround({ workers: workerCount, servers: serverCount, users, index }: GroundOptions) {
  const dataDir = await mkdtemp(join(inject('runDir'), 'chaos-'))
  await chmod(dataDir, 0o711)
  const indexDir = await mkdtemp(join(tmpdir(), 'searchlight-chaos-index-'))
  await buildIndexOfManyShards(indexDir, index)
  const services = { redis: await ensureRedis({ dataDir }), postgres: await ensurePostgres({ dataDir }) }
  const environment = {
    REDIS_URL: services.redis.url,
    DATABASE_URL: services.postgres.url,
    AUTH_SECRET: 'a secret that only this test knows, 32 or more',
    INDEX_DIR: indexDir,
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'fatal',
    PORT: '0',
    WORKER_CONCURRENCY: '2',
    SHUTDOWN_GRACE_MS: '200',
  }
  const servers = await Promise.all(Array.from({ length: serverCount }, () => startServerProcess(environment)))
  const workers: ChildProcess[] = []
  for (let i = 0; i < workerCount; i++) workers.push(await startWorker(environment))
  const people = await makeUsers(users, environment)

  /** A look from outside, by connections that outlive whatever is done to the services. */
  const redis = new Redis(environment.REDIS_URL, { connectionName: 'onlooker', maxRetriesPerRequest: null })
  redis.on('error', () => {})
  async function query<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client({ connectionString: environment.DATABASE_URL })
    await client.connect()
    try {
      return (await client.query(text, values)).rows
    } finally {
      await client.end()
    }
  }

  return {
    urls: servers.map(({ url }) => url),
    people,
    redis,
    query,
    workers: () => [...workers],
    /** As a supervisor would: one that could not start, for a service was away, is started again. */
    async addWorker(): Promise<void> {
      let worker: ChildProcess | null = null
      while (worker === null) worker = await startWorker(environment, 'ignore').catch(() => null)
      workers.push(worker)
    },
    /** Ends a worker by this signal and waits for its exit. */
    async endWorker(worker: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
      workers.splice(workers.indexOf(worker), 1)
      await stopProcess(worker, signal)
    },
    async killRedis(): Promise<void> {
      await endProcess(services.redis.process, [['SIGKILL', 5_000]])
    },
    async startRedis(): Promise<void> {
      services.redis = await ensureRedis({ dataDir, port: services.redis.port })
    },
    async restartPostgres(whileAway: () => Promise<void>): Promise<void> {
      await stopPostgres(services.postgres)
      await whileAway()
      services.postgres = await ensurePostgres({ dataDir, port: services.postgres.port })
    },
    /** Cuts every connection to Redis but our own. */
    async cutConnections(): Promise<void> {
      for (const type of ['normal', 'pubsub']) await redis.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
    },
    /** Resolves when a worker has begun the next attempt of some search. */
    async takenOver(): Promise<void> {
      const subscriber = redis.duplicate()
      subscriber.on('error', () => {})
      await subscriber.subscribe('{sl:0}:feed')
      await new Promise<void>((resolve) =>
        subscriber.on('message', (_channel, message) => {
          const job = parseListChange(message).job()
          if (job?.state === 'running' && job.attempt > 1) resolve()
        }),
      )
      subscriber.disconnect()
    },
    async close(): Promise<void> {
      redis.disconnect()
      for (const worker of workers) worker.kill('SIGCONT')
      await Promise.all([...workers, ...servers.map(({ child }) => child)].map((child) => stopProcess(child, 'SIGKILL')))
      await Promise.all([stopRedis(services.redis), stopPostgres(services.postgres)])
      await rm(indexDir, { recursive: true })
    },
  }
}

export type Ground = Awaited<ReturnType<typeof openGround>>

export interface ChaosUser {
  userId: string
  key: string
}

async function makeUsers(
  count: number,
  { DATABASE_URL, AUTH_SECRET }: { DATABASE_URL: string; AUTH_SECRET: string },
): Promise<ChaosUser[]> {
  const postgres = connectPostgres(DATABASE_URL, { name: 'chaos' })
  const settings = { secret: AUTH_SECRET, publicUrl: 'http://localhost' }
  try {
    const users: ChaosUser[] = []
    for (let i = 0; i < count; i++) {
      const account = { email: `user-${i}@example.com`, name: `User ${i}`, password, role: 'user' as const }
      const { userId } = await createAccount(account, { db: postgres.db, settings })
      const { key } = await createApiKey({ userId, name: 'chaos', expiresAt: null }, postgres.db)
      users.push({ userId, key })
    }
    return users
  } finally {
    await postgres.close()
  }
}
