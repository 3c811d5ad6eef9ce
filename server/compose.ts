import type { Server } from 'node:http'
import { sql } from 'drizzle-orm'
import type { Logger } from 'pino'
import { v4 as uuid } from 'uuid'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import { closeQueues, openQueues } from '#jobs/redis/queue.ts'
import { catalog } from '#searches/catalog.ts'
import { type Accounts, createAccounts } from './accounts/accounts.ts'
import { accountsMigrations } from './accounts/migrations.ts'
import { findReading } from './find-job.ts'
import { createApi } from './http/api.ts'
import type { Api } from './http/api-env.ts'
import { Authorization } from './live/authorization.ts'
import { Hub } from './live/hub.ts'
import { Lists } from './live/lists.ts'
import { attachSockets } from './live/sockets.ts'
import { Subscriber } from './live/subscriber.ts'
import { createMetrics } from './metrics.ts'
import type { ServerSettings } from './settings.ts'

/**
 * A request waits this often for a Redis that is away, about a second in all; then it is answered
 * 503.
 */
const redisRetries = 5

export interface Composed {
  api: Api
  accounts: Accounts
  /**
   * Ends the sockets and with them the HTTP server (requests that run are answered first), then the
   * connections.
   */
  close(): Promise<void>
}

/** Everything that the server does besides pages: connections, accounts, API and live delivery. */
export async function compose(
  server: Server,
  settings: ServerSettings,
  publicUrl: string,
  log: Logger,
): Promise<Composed> {
  await migrateDatabase(settings.DATABASE_URL, accountsMigrations)
  await migrateDatabase(settings.DATABASE_URL, archiveMigrations)
  const postgres = connectPostgres(settings.DATABASE_URL, { name: 'searchlight-server', log })
  const { db } = postgres

  const store = await openStore({
    url: settings.REDIS_URL,
    namespace: settings.REDIS_PREFIX,
    shards: settings.SHARDS,
    name: 'searchlight-server',
    retries: redisRetries,
    makeEpoch: uuid,
    log,
  })
  const { redis } = store
  const queues = openQueues(redis, store)

  const accounts = createAccounts({ db, secret: settings.AUTH_SECRET, publicUrl, log })
  if (settings.ADMIN_EMAIL && settings.ADMIN_PASSWORD) {
    await accounts.ensureFirstAdmin({
      email: settings.ADMIN_EMAIL,
      password: settings.ADMIN_PASSWORD,
    })
  }

  const doorbells = connectRedis(settings.REDIS_URL, {
    name: 'searchlight-server-doorbells',
    log,
    retries: null,
    subscriber: true,
  })
  const subscriber = new Subscriber(doorbells, log)
  const places = { store, db }
  const hub = new Hub({
    store,
    subscriber,
    read: (id, since) => findReading(id, since, places),
    log,
  })
  const lists = new Lists({ ...places, hub, log })
  const authorization = new Authorization({ findRevoked: accounts.findRevoked, log })
  const accountsChannel = `${settings.REDIS_PREFIX}:accounts`
  await subscriber.subscribe(accountsChannel, {
    message: () => authorization.check(),
    recovered: () => authorization.check(),
  })
  authorization.start()
  const io = attachSockets(server, {
    hub,
    lists,
    authorization,
    authenticate: (headers, apiKey) =>
      apiKey === undefined ? accounts.authenticate(headers) : accounts.authenticateKey(apiKey),
    originAllowed: accounts.originAllowed,
    log,
  })
  hub.startChecking()

  const api = createApi({
    ...places,
    queues,
    waitingLimits: {
      inAll: settings.MAX_WAITING,
      perUser:
        settings.MAX_WAITING_PER_USER < catalog.length ? settings.MAX_WAITING_PER_USER : null,
    },
    hub,
    authorization,
    now: () => new Date(),
    authenticate: accounts.authenticate,
    originAllowed: accounts.originAllowed,
    signUpOpen: accounts.signUpOpen,
    async authHandler(request, clientAddress) {
      const response = await accounts.handler(request, clientAddress)
      // Who signs out, is banned or gets another role is to lose what is open at once, on all
      // servers. Lost, each finds out by itself.
      if (request.method === 'POST' && response.ok)
        redis.publish(accountsChannel, '').catch(() => {})
      return response
    },
    async ready() {
      await Promise.all([redis.ping(), db.execute(sql`select 1`)])
    },
    metrics: createMetrics({
      store,
      sockets: () => io.of('/').sockets.size,
      watchedJobs: () => hub.size,
    }),
    log,
  })

  async function close(): Promise<void> {
    hub.stopChecking()
    authorization.stop()
    server.closeIdleConnections()
    await io.close()
    await closeQueues(queues)
    subscriber.close()
    redis.disconnect()
    await postgres.close()
  }
  return { api, accounts, close }
}
