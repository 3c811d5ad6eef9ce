import { hostname } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { v4 as uuid } from 'uuid'
import { crawlerName, createWeb } from '#crawler/create-web.ts'
import { errorForLog } from '#jobs/error-for-log.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { keys } from '#jobs/redis/keys.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import { closeQueues, openQueues } from '#jobs/redis/queue.ts'
import { allShards } from '#jobs/redis/store.ts'
import { TypeSlots } from '#jobs/redis/type-slots.ts'
import { heartbeatMs, removeWorker, reportWorker } from '#jobs/redis/worker-registry.ts'
import { readSettings } from '#jobs/settings.ts'
import { catalog, findSearch } from '#searches/catalog.ts'
import { createBuilds } from '#webindex/build/build-index.ts'
import { createIndexEngine } from '#webindex/query/engine.ts'
import { createImports } from '#webindex/sources/find-source.ts'
import { openImport } from '#webindex/sources/open-import.ts'
import packageFacts from '../package.json' with { type: 'json' }
import { createArchiver } from './archive-ended.ts'
import { findEarlier } from './find-earlier.ts'
import { createHostLeases } from './host-leases.ts'
import { maintain } from './maintain.ts'
import { createRunningJobs } from './running-jobs.ts'
import { openTools, type SharedTools } from './search-tools.ts'
import { createSearchWorker } from './search-worker.ts'
import { slotsOf, workerSettings } from './settings.ts'

/** After the grace period: how long handing jobs back may take. */
const handBackMs = 5_000
/** After that: how long closing connections may take before the process exits anyway. */
const closeMs = 2_000

// Synchronous: at exit, an asynchronous writer never finishes if its pipe's reader was killed.
const log = pino(
  { name: 'worker', serializers: { err: errorForLog } },
  pino.destination({ fd: 1, sync: true }),
)

async function main(): Promise<void> {
  const settings = readSettings(workerSettings, process.env)
  log.level = settings.LOG_LEVEL
  const name = `${hostname()}:${process.pid}`
  await migrateDatabase(settings.DATABASE_URL, archiveMigrations)
  const postgres = connectPostgres(settings.DATABASE_URL, { name: 'searchlight-worker', log })

  const store = await openStore({
    url: settings.REDIS_URL,
    namespace: settings.REDIS_PREFIX,
    shards: settings.SHARDS,
    name: 'searchlight-worker',
    retries: null,
    makeEpoch: uuid,
    log,
  })
  const { redis } = store
  const queues = openQueues(redis, store)
  const running = createRunningJobs()
  const now = () => new Date()
  const startedAt = now()
  const engine = await createIndexEngine({
    dir: settings.INDEX_DIR,
    memoryLimitMb: settings.INDEX_MEMORY_MB,
    threads: settings.INDEX_THREADS,
  })
  const shared: SharedTools = {
    engine,
    findEarlier: (id, job) => findEarlier(id, job, { store, db: postgres.db }),
    web: createWeb({
      leases: createHostLeases({ redis, namespace: settings.REDIS_PREFIX }),
      userAgent: crawlerName(packageFacts.version, settings.CRAWL_CONTACT),
      allowPrivate: settings.CRAWL_ALLOW_PRIVATE,
      now,
    }),
    builds: createBuilds({ dir: settings.INDEX_DIR, memoryLimitMb: settings.BUILD_MEMORY_MB, now }),
    imports: createImports({
      open: (path) => openImport(settings.IMPORT_DIR, path),
      nodeModules: join(import.meta.dirname, '../node_modules'),
      now,
    }),
  }
  const common = { store, queues, db: postgres.db, now, log }
  const archiver = createArchiver(common)
  const deps = {
    ...common,
    archiver,
    running,
    findSearch,
    openTools: (job: string) => openTools(job, shared),
    makeEpoch: uuid,
    now,
    archiveDays: settings.ARCHIVE_DAYS ?? null,
  }

  const control = connectRedis(settings.REDIS_URL, {
    name: 'searchlight-worker-control',
    log,
    retries: null,
  })
  control.on('message', (_channel: string, id: string) => running.ended(id))
  await control.subscribe(...allShards(store).map(keys.control))

  const workers = catalog.flatMap((search) => {
    const slots = new TypeSlots(slotsOf(search, settings.WORKER_CONCURRENCY))
    return allShards(store).map((shard) =>
      createSearchWorker(shard, { search: search.name, slots, name }, deps),
    )
  })
  for (const worker of workers)
    worker.run().catch((error) => log.error({ err: error }, 'The queue worker ended'))
  await Promise.all(workers.map((worker) => worker.waitUntilReady()))

  const report = () =>
    reportWorker(
      {
        name,
        version: packageFacts.version,
        startedAt: startedAt.toISOString(),
        rssBytes: process.memoryUsage.rss(),
        searches: catalog.map((search) => ({
          name: search.name,
          slots: slotsOf(search, settings.WORKER_CONCURRENCY),
        })),
        running: running.all().map(({ id }) => id),
      },
      store,
    ).catch((error) => log.warn({ err: error }, 'Could not report to the registry of workers'))
  await report()
  const reporting = setInterval(report, heartbeatMs)

  const maintenance = new AbortController()
  const maintaining = maintain(deps, maintenance.signal)

  let stopping = false
  async function stop(why: string): Promise<void> {
    if (stopping) return
    stopping = true
    log.info({ running: running.size }, `Stopping (${why})`)
    setTimeout(() => process.exit(0), settings.SHUTDOWN_GRACE_MS + handBackMs + closeMs).unref()
    maintenance.abort()
    clearInterval(reporting)
    // Not awaited: a closing worker takes no new job, but waits for the running ones without limit.
    const closed = Promise.all(workers.map((worker) => worker.close()))
    const grace = setTimeout(() => running.handBackAll(), settings.SHUTDOWN_GRACE_MS)
    const deadline = new Promise((resolve) =>
      setTimeout(resolve, settings.SHUTDOWN_GRACE_MS + handBackMs).unref(),
    )
    await Promise.race([closed, deadline])
    clearTimeout(grace)
    await Promise.race([Promise.all([maintaining, archiver.idle()]), deadline])
    await Promise.race([removeWorker(name, store).catch(() => {}), deadline])
    await closeQueues(queues)
    engine.close()
    control.disconnect()
    redis.disconnect()
    await postgres.close()
    log.info('Stopped')
    process.exit(0)
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  // The parent process is gone, so no other signal would come.
  process.on('disconnect', () => stop('its parent process is gone'))

  process.send?.({ type: 'ready' })
  const slots = catalog.map((search) => [search.name, slotsOf(search, settings.WORKER_CONCURRENCY)])
  log.info({ name, slots: Object.fromEntries(slots) }, 'Ready for searches')
}

main().catch((error) => {
  log.fatal({ err: error }, errorForLog(error).message)
  setTimeout(() => process.exit(1), 100)
})
