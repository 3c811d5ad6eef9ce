import type { ChildProcess } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { inject } from 'vitest'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { parseListChange } from '#jobs/redis/announcements.ts'
import { freePort } from '#local/services/free-port.ts'
import { ensurePostgres, stopPostgres } from '#local/services/postgres.ts'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'
import { endProcess } from '#processes/end-process.ts'
import { createApiKey } from '#server/accounts/api-keys.ts'
import { createAccount } from '#server/accounts/create-account.ts'
import type { ProgramFile } from '../programs.ts'
import { buildIndexOfManyShards } from '../searches/many-shards.ts'
import { password, startServerProcess, startWorker, stopProcess } from '../server/server-fixture.ts'
import { openHalfOpenProxy } from './half-open.ts'

export interface GroundOptions {
  servers: number
  users: number
  admins?: number
  workers?: number
  /** How large the index is that each search reads through; none where no worker searches. */
  index?: { shards: number; sites: number }
  /** Between the servers and Redis stands a proxy that can make their connections half-open. */
  halfOpen?: boolean
  /** Another program than the server as it is, and what that is told besides. */
  server?: { program: ProgramFile; environment: Record<string, string> }
}

/**
 * All of Searchlight, in processes and services of its own that can be killed: Redis with its
 * append-only file, and PostgreSQL.
 */
export async function openGround(options: GroundOptions) {
  const {
    servers: serverCount,
    users,
    admins = 0,
    workers: workerCount = 0,
    index,
    halfOpen = false,
    server,
  } = options
  const dataDir = await mkdtemp(join(inject('runDir'), 'chaos-'))
  await chmod(dataDir, 0o711)
  const indexDir = await mkdtemp(join(tmpdir(), 'searchlight-chaos-index-'))
  if (index) await buildIndexOfManyShards(indexDir, index)
  const services = {
    redis: await ensureRedis({ dataDir }),
    postgres: await ensurePostgres({ dataDir }),
  }
  const environment = {
    REDIS_URL: services.redis.url,
    DATABASE_URL: services.postgres.url,
    AUTH_SECRET: 'a secret that only this test knows, 32 or more',
    INDEX_DIR: indexDir,
    INDEX_THREADS: '1',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'fatal',
    PORT: '0',
    WORKER_CONCURRENCY: '2',
    SHUTDOWN_GRACE_MS: '200',
  }
  const proxy = halfOpen ? await openHalfOpenProxy(services.redis.url) : null
  // At a port of its own for good: a server that was killed is replaced where its clients look for
  // it.
  const startServer = (port: number) =>
    startServerProcess(
      {
        ...environment,
        REDIS_URL: proxy?.url ?? environment.REDIS_URL,
        PORT: String(port),
        ...server?.environment,
      },
      server?.program,
    )
  const servers = await Promise.all(
    Array.from({ length: serverCount }, async () => startServer(await freePort())),
  )
  const workers: ChildProcess[] = []
  for (let i = 0; i < workerCount; i++) workers.push(await startWorker(environment))
  const people = await makeAccounts({ user: users, admin: admins }, environment)

  /** A look from outside, by connections that outlive whatever is done to the services. */
  const redis = new Redis(environment.REDIS_URL, {
    connectionName: 'onlooker',
    maxRetriesPerRequest: null,
  })
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
    people: people.user,
    admins: people.admin,
    environment,
    proxy,
    redis,
    query,
    workers: () => [...workers],
    /**
     * As a supervisor would: one that could not start, for a service was away, is started again.
     */
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
    /** Kills a server and starts another at its address. */
    async replaceServer(i: number, whileAway: () => Promise<void>): Promise<void> {
      const killed = servers[i]
      if (!killed) throw new Error(`There is no server ${i}`)
      await stopProcess(killed.child, 'SIGKILL')
      await whileAway()
      servers[i] = await startServer(Number(new URL(killed.url).port))
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
      for (const type of ['normal', 'pubsub'])
        await redis.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
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
      await Promise.all(
        [...workers, ...servers.map(({ child }) => child)].map((child) =>
          stopProcess(child, 'SIGKILL'),
        ),
      )
      proxy?.close()
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

async function makeAccounts(
  counts: Record<'user' | 'admin', number>,
  { DATABASE_URL, AUTH_SECRET }: { DATABASE_URL: string; AUTH_SECRET: string },
): Promise<Record<'user' | 'admin', ChaosUser[]>> {
  const postgres = connectPostgres(DATABASE_URL, { name: 'chaos' })
  const settings = { secret: AUTH_SECRET, publicUrl: 'http://localhost' }
  async function make(role: 'user' | 'admin', i: number): Promise<ChaosUser> {
    const account = { email: `${role}-${i}@example.com`, name: `${role} ${i}`, password, role }
    const { userId } = await createAccount(account, { db: postgres.db, settings })
    const { key } = await createApiKey({ userId, name: 'chaos', expiresAt: null }, postgres.db)
    return { userId, key }
  }
  try {
    const made: Record<'user' | 'admin', ChaosUser[]> = { user: [], admin: [] }
    for (const role of ['user', 'admin'] as const)
      for (let i = 0; i < counts[role]; i++) made[role].push(await make(role, i))
    return made
  } finally {
    await postgres.close()
  }
}
