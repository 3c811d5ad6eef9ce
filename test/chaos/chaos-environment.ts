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

export interface ChaosEnvironmentOptions {
  servers: number
  users: number
  admins?: number
  workers?: number
  /** Size of the index that searches read. Without it, the index is empty. */
  index?: { shards: number; sites: number }
  /** Connects servers to Redis through a proxy that can make connections half-open. */
  halfOpen?: boolean
  /** Replaces the server program, and adds environment variables to it. */
  server?: { program: ProgramFile; variables: Record<string, string> }
}

/**
 * A whole Searchlight: servers, workers, PostgreSQL and Redis with its append-only file, all in
 * processes of their own that tests can kill.
 */
export async function openChaosEnvironment(options: ChaosEnvironmentOptions) {
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
  const variables = {
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
  // Fixed ports: clients find the replacement of a killed server at the same address.
  const startServer = (port: number) =>
    startServerProcess(
      {
        ...variables,
        REDIS_URL: proxy?.url ?? variables.REDIS_URL,
        PORT: String(port),
        ...server?.variables,
      },
      server?.program,
    )
  const servers = await Promise.all(
    Array.from({ length: serverCount }, async () => startServer(await freePort())),
  )
  const workers: ChildProcess[] = []
  for (let i = 0; i < workerCount; i++) workers.push(await startWorker(variables))
  const accounts = await makeAccounts({ user: users, admin: admins }, variables)

  /** For checks from outside; survives restarts of Redis. */
  const redis = new Redis(variables.REDIS_URL, {
    connectionName: 'observer',
    maxRetriesPerRequest: null,
  })
  redis.on('error', () => {})
  async function query<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client({ connectionString: variables.DATABASE_URL })
    await client.connect()
    try {
      return (await client.query(text, values)).rows
    } finally {
      await client.end()
    }
  }

  return {
    urls: servers.map(({ url }) => url),
    users: accounts.user,
    admins: accounts.admin,
    variables,
    proxy,
    redis,
    query,
    workers: () => [...workers],
    /** Starts a worker. As a supervisor would, retries when a missing service stops the start. */
    async addWorker(): Promise<void> {
      let worker: ChildProcess | null = null
      while (worker === null) worker = await startWorker(variables, 'ignore').catch(() => null)
      workers.push(worker)
    },
    /** Sends the signal to a worker and waits for its exit. */
    async endWorker(worker: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
      workers.splice(workers.indexOf(worker), 1)
      await stopProcess(worker, signal)
    },
    /** Kills a server and starts its replacement at the same address. */
    async replaceServer(i: number, whileDown: () => Promise<void>): Promise<void> {
      const killed = servers[i]
      if (!killed) throw new Error(`There is no server ${i}`)
      await stopProcess(killed.child, 'SIGKILL')
      await whileDown()
      servers[i] = await startServer(Number(new URL(killed.url).port))
    },
    async killRedis(): Promise<void> {
      await endProcess(services.redis.process, [['SIGKILL', 5_000]])
    },
    async startRedis(): Promise<void> {
      services.redis = await ensureRedis({ dataDir, port: services.redis.port })
    },
    async restartPostgres(whileDown: () => Promise<void>): Promise<void> {
      await stopPostgres(services.postgres)
      await whileDown()
      services.postgres = await ensurePostgres({ dataDir, port: services.postgres.port })
    },
    /** Cuts every connection to Redis except our own. */
    async cutConnections(): Promise<void> {
      for (const type of ['normal', 'pubsub'])
        await redis.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
    },
    /** Resolves when a worker has started a second or later attempt of any search. */
    async takeover(): Promise<void> {
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

export type ChaosEnvironment = Awaited<ReturnType<typeof openChaosEnvironment>>

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
