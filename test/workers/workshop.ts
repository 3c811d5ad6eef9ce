import type { Worker } from 'bullmq'
import type { Search } from '#jobs/define-search.ts'
import { StateEvent } from '#jobs/events.ts'
import type { Job } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import type { Log } from '#jobs/log.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { type ChannelMessage, parseChannelMessage } from '#jobs/redis/announcements.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { keys } from '#jobs/redis/keys.ts'
import { closeQueues, enqueueJob, openQueues } from '#jobs/redis/queue.ts'
import { readLog } from '#jobs/redis/read-job.ts'
import type { JobRef } from '#jobs/redis/store.ts'
import { timelineEntry } from '#jobs/timeline.ts'
import { createArchiver } from '#workers/archive-ended.ts'
import { createRunningJobs } from '#workers/running-jobs.ts'
import { createSearchWorker } from '#workers/search-worker.ts'
import { jobIn, newJob, newRef, openStore, quietLog } from '../jobs/job-fixture.ts'
import { createDatabase, redisUrl } from '../services.ts'

/**
 * Workers in this process that run searches of the test's own, on a real queue, Redis and
 * PostgreSQL.
 */
export async function openWorkshop(searches: Search[], log: Log = quietLog) {
  const store = await openStore()
  const shard = { namespace: store.namespace, number: 0 }
  const database = await createDatabase()
  await migrateDatabase(database.url, archiveMigrations)
  const postgres = connectPostgres(database.url)
  const queues = openQueues(store.redis, store)
  const doorbell = connectRedis(redisUrl(), {
    name: 'test-doorbell',
    log,
    retries: null,
    subscriber: true,
  })
  const findSearch = (name: string) => searches.find((search) => search.name === name)
  const places = { store, queues, db: postgres.db, now: () => new Date(), log }
  const workers: Worker[] = []

  function addWorker(name = 'workshop:1', { concurrency = 4 } = {}) {
    const deps = {
      ...places,
      archiver: createArchiver(places),
      running: createRunningJobs(),
      findSearch,
      attemptsOf: (search: string) => findSearch(search)?.attempts,
      openTools: () => ({ close() {} }),
    }
    const worker = createSearchWorker(shard, { redis: store.redis, concurrency, name }, deps)
    workers.push(worker)
    worker.run()
    return { worker, ...deps }
  }

  const told = new Map<string, (message: ChannelMessage) => void>()
  doorbell.on('message', (channel, message) => told.get(channel)?.(parseChannelMessage(message)))

  /** Creates, watches and enqueues a job. */
  async function start(search: string, input: Record<string, unknown> = {}) {
    const ref: JobRef = newRef(search)
    const rings: ChannelMessage[] = []
    const looking = new Set<() => void>()
    told.set(keys.log(shard, ref.id), (ring) => {
      rings.push(ring)
      for (const look of looking) look()
    })
    await doorbell.subscribe(keys.log(shard, ref.id))
    await newJob(store, ref, { input })
    await enqueueJob(ref, { attempts: findSearch(search)?.attempts }, queues)
    const until = (holds: (message: ChannelMessage) => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!rings.some(holds)) return
          looking.delete(look)
          resolve()
        }
        looking.add(look)
        look()
      })
    const untilState = (holds: (state: StateEvent) => boolean) =>
      until(({ type, data }) => type === 'state' && holds(StateEvent.parse(JSON.parse(data))))
    return {
      ...ref,
      job: () => jobIn(store, ref.id),
      /** Resolves when that attempt has begun. */
      begun: (attempt: number) =>
        untilState((state) => state.state === 'running' && state.attempt === attempt),
      /** Resolves when a note says so. */
      noted: (words: string) => until(({ type, data }) => type === 'note' && data.includes(words)),
      async end(): Promise<Job> {
        await untilState(({ state }) => !isLive(state))
        return jobIn(store, ref.id)
      },
      /** States as `running 1`, notes as they are. */
      async timeline(): Promise<string[]> {
        const log = (await readLog(ref.id, store)) ?? []
        return log
          .flatMap(
            ({ seq, type, data }) => timelineEntry({ seq, type, data: JSON.parse(data) }) ?? [],
          )
          .map((entry) =>
            entry.type === 'note' ? entry.data.text : `${entry.data.state} ${entry.data.attempt}`,
          )
      },
    }
  }

  return {
    ...places,
    shard,
    addWorker,
    start,
    async close(): Promise<void> {
      await Promise.all(workers.map((worker) => worker.close(true)))
      await closeQueues(queues)
      doorbell.disconnect()
      store.close()
      await postgres.close()
      await database.drop()
    },
  }
}
