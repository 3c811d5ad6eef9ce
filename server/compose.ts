import type { Server } from 'node:http'
import type { Logger } from 'pino'
import { v4 as uuid } from 'uuid'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { typicalDuration } from '#jobs/postgres/typical-duration.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import { closeQueues, openQueues, type Queues, queuesOf } from '#jobs/redis/queue.ts'
import { readWorkers } from '#jobs/redis/worker-registry.ts'
import { catalog } from '#searches/catalog.ts'
import { AcceptedNotes } from './accepted-notes.ts'
import { type Accounts, createAccounts } from './accounts/accounts.ts'
import { accountsMigrations } from './accounts/migrations.ts'
import { findReading } from './find-job.ts'
import { createHealthCheck } from './health.ts'
import { createApi } from './http/api.ts'
import type { Api } from './http/api-env.ts'
import { Authorization } from './live/authorization.ts'
import { Hub } from './live/hub.ts'
import { Lists } from './live/lists.ts'
import { attachSockets } from './live/sockets.ts'
import { Subscriber } from './live/subscriber.ts'
import { createMetrics } from './metrics.ts'
import type { ServerSettings } from './settings.ts'
import { timeLimits } from './time-limits.ts'

/** Retries of a Redis command, about a second in total; after that the request is answered 503. */
const redisRetries = 5

export interface Composed {
  api: Api
  accounts: Accounts
  /**
   * Closes the sockets and the HTTP server (requests under way are answered first), then the
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
  const connections = await connect(settings, log)
  const { store, db, queues } = connections
  const now = () => new Date()

  const accounts = createAccounts({ db, secret: settings.AUTH_SECRET, publicUrl, now, log })
  if (settings.ADMIN_EMAIL && settings.ADMIN_PASSWORD) {
    await accounts.ensureFirstAdmin({
      email: settings.ADMIN_EMAIL,
      password: settings.ADMIN_PASSWORD,
    })
  }
  const accountsChannel = `${settings.REDIS_PREFIX}:accounts`
  const live = await startLiveDelivery(server, { ...connections, accounts, accountsChannel, log })

  const { checkMs, requestMs } = timeLimits(settings.REQUEST_TIMEOUT_MS)
  const checkHealth = createHealthCheck({
    store,
    db,
    countWorkers: async () => (await readWorkers(store)).length,
    pausedSearches: () => pausedSearches(queues),
    checkMs,
    log,
  })
  const accepted = new AcceptedNotes({ db, log })
  const api = createApi({
    store,
    db,
    accepted,
    queues,
    waitingLimits: {
      inAll: settings.MAX_WAITING,
      perUser:
        settings.MAX_WAITING_PER_USER < catalog.length ? settings.MAX_WAITING_PER_USER : null,
    },
    hub: live.hub,
    authorization: live.authorization,
    now,
    authenticate: accounts.authenticate,
    originAllowed: accounts.originAllowed,
    signUpOpen: accounts.signUpOpen,
    async authHandler(request, clientAddress) {
      const response = await accounts.handler(request, clientAddress)
      // The call may have been a sign-out, a suspension or a change of role: have all servers check
      // their open connections at once. If this message is lost, their periodic check does it.
      if (request.method === 'POST' && response.ok)
        store.redis.publish(accountsChannel, '').catch(() => {})
      return response
    },
    requestMs,
    checkHealth,
    metrics: createMetrics({
      store,
      checkHealth,
      checkMs,
      sockets: live.socketCount,
      watchedJobs: () => live.hub.size,
    }),
    log,
  })

  async function close(): Promise<void> {
    live.stopChecking()
    server.closeIdleConnections()
    await live.closeSockets()
    await accepted.close()
    await connections.close()
  }
  return { api, accounts, close }
}

/** The types of searches that are paused in all or some shards. */
async function pausedSearches(queues: Queues): Promise<string[]> {
  const paused = await Promise.all(
    catalog.map(async ({ name }) => {
      const perShard = await Promise.all(queuesOf(name, queues).map((queue) => queue.isPaused()))
      return perShard.includes(true) ? [name] : []
    }),
  )
  return paused.flat()
}

type Connections = Awaited<ReturnType<typeof connect>>

/** Migrates the database and opens the connections. */
async function connect(settings: ServerSettings, log: Logger) {
  await migrateDatabase(settings.DATABASE_URL, accountsMigrations)
  await migrateDatabase(settings.DATABASE_URL, archiveMigrations)
  const limits = timeLimits(settings.REQUEST_TIMEOUT_MS)
  const postgres = connectPostgres(settings.DATABASE_URL, {
    name: 'searchlight-server',
    limits: limits.postgres,
    log,
  })
  const store = await openStore({
    url: settings.REDIS_URL,
    namespace: settings.REDIS_PREFIX,
    shards: settings.SHARDS,
    name: 'searchlight-server',
    retries: redisRetries,
    commandTimeoutMs: limits.redisCommandMs,
    makeEpoch: uuid,
    log,
  })
  const queues = openQueues(store.redis, store)
  const subscriberRedis = connectRedis(settings.REDIS_URL, {
    name: 'searchlight-server-subscriber',
    log,
    retries: null,
    subscriber: true,
  })
  const subscriber = new Subscriber(subscriberRedis, log)

  async function close(): Promise<void> {
    await closeQueues(queues)
    subscriber.close()
    store.redis.disconnect()
    await postgres.close()
  }
  return { store, db: postgres.db, queues, subscriber, close }
}

interface LiveDeps extends Connections {
  accounts: Accounts
  /** A message on this channel means that accounts have changed. */
  accountsChannel: string
  log: Logger
}

/** Builds the hub and attaches the sockets that it serves to the HTTP server. */
async function startLiveDelivery(
  server: Server,
  { store, db, subscriber, accounts, accountsChannel, log }: LiveDeps,
) {
  const now = () => performance.now()
  const hub = new Hub({
    store,
    subscriber,
    read: (id, since) => findReading(id, since, { store, db }),
    typicalMs: rememberFor(30_000, (search) => typicalDuration(search, db), now),
    log,
  })
  const lists = new Lists({ store, db, hub, now, log })
  const authorization = new Authorization({ findRevoked: accounts.findRevoked, log })
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
    now,
    log,
  })
  hub.startChecking()

  return {
    hub,
    authorization,
    socketCount: () => io.of('/').sockets.size,
    stopChecking(): void {
      hub.stopChecking()
      authorization.stop()
    },
    closeSockets: () => io.close(),
  }
}

/** Answers again what was found within the last `ms`. */
function rememberFor<Found>(ms: number, find: (key: string) => Promise<Found>, now: () => number) {
  const found = new Map<string, { at: number; answer: Promise<Found> }>()
  return (key: string): Promise<Found> => {
    const known = found.get(key)
    if (known && now() - known.at < ms) return known.answer
    const answer = find(key)
    answer.catch(() => found.delete(key))
    found.set(key, { at: now(), answer })
    return answer
  }
}
