import { once } from 'node:events'
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
import { closeQueues, openQueues } from '#jobs/redis/queue.ts'
import { readLog } from '#jobs/redis/read-job.ts'
import type { JobRef } from '#jobs/redis/store.ts'
import { TypeSlots } from '#jobs/redis/type-slots.ts'
import { timelineEntry } from '#jobs/timeline.ts'
import { quietLog } from '#test/quiet-log.ts'
import { createArchiver } from '#workers/archive-ended.ts'
import { createRunningJobs } from '#workers/running-jobs.ts'
import { createSearchWorker } from '#workers/search-worker.ts'
import { jobIn, newJob, newRef, openStore } from '../jobs/job-fixture.ts'
import { createDatabase, redisUrl } from '../services.ts'

/** Workers in this process that run the test's searches on a real queue, Redis and PostgreSQL. */
export async function openTestEnvironment(searches: Search[], log: Log = quietLog) {
  const store = await openStore()
  const shard = { namespace: store.namespace, number: 0 }
  const database = await createDatabase()
  await migrateDatabase(database.url, archiveMigrations)
  const postgres = connectPostgres(database.url)
  const queues = openQueues(store.redis, store)
  const subscriber = connectRedis(redisUrl(), {
    name: 'test-subscriber',
    log,
    retries: null,
    subscriber: true,
  })
  // Seen once: a subscription that was asked for before the connection was ready got lost.
  if (subscriber.status !== 'ready') await once(subscriber, 'ready')
  const findSearch = (name: string) => searches.find((search) => search.name === name)
  const common = { store, queues, db: postgres.db, log }
  const workers: Worker[] = []

  function addWorker(name = 'test:1', { concurrency = 4 } = {}) {
    const deps = {
      ...common,
      archiver: createArchiver(common),
      running: createRunningJobs(),
      findSearch,
      openTools: () => ({ close() {} }),
    }
    for (const { name: search } of searches) {
      const worker = createSearchWorker(
        shard,
        { search, slots: new TypeSlots(concurrency), name },
        deps,
      )
      workers.push(worker)
      worker.run()
    }
    return deps
  }

  const listeners = new Map<string, (message: ChannelMessage) => void>()
  subscriber.on('message', (channel, message) =>
    listeners.get(channel)?.(parseChannelMessage(message)),
  )

  /** Watches and starts a job. */
  async function start(search: string, input: Record<string, unknown> = {}) {
    const ref: JobRef = newRef(search)
    const channel = keys.log(shard, ref.id)
    const messages: ChannelMessage[] = []
    const waiting = new Set<() => void>()
    listeners.set(channel, (message) => {
      messages.push(message)
      for (const check of waiting) check()
    })
    await subscriber.subscribe(channel)
    await newJob(store, ref, { input, attempts: findSearch(search)?.attempts })
    const until = (condition: (message: ChannelMessage) => boolean) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (!messages.some(condition)) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      })
    const untilState = (condition: (state: StateEvent) => boolean) =>
      until(({ type, data }) => type === 'state' && condition(StateEvent.parse(JSON.parse(data))))
    return {
      ...ref,
      job: () => jobIn(store, ref.id),
      /** Resolves when this attempt has started. */
      started: (attempt: number) =>
        untilState((state) => state.state === 'running' && state.attempt === attempt),
      /** Resolves when a note contains the text. */
      noted: (text: string) => until(({ type, data }) => type === 'note' && data.includes(text)),
      /** Resolves when the job has ended. */
      async end(): Promise<Job> {
        await untilState(({ state }) => !isLive(state))
        return jobIn(store, ref.id)
      },
      /** States as `running 1`, notes as their text. */
      async timeline(): Promise<string[]> {
        const events = (await readLog(ref.id, store)) ?? []
        return events
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
    ...common,
    shard,
    addWorker,
    start,
    async closeWorkers(): Promise<void> {
      await Promise.all(workers.splice(0).map((worker) => worker.close()))
    },
    async close(): Promise<void> {
      await Promise.all(workers.map((worker) => worker.close(true)))
      await closeQueues(queues)
      subscriber.disconnect()
      store.close()
      await postgres.close()
      await database.drop()
    },
  }
}
