import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { v4 as uuid } from 'uuid'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { defineSearch } from '#jobs/define-search.ts'
import { JobInput } from '#jobs/job.ts'
import { acceptedAfter, noteAccepted, readAccepted } from '#jobs/postgres/accepted-jobs.ts'
import { archiveJobs, archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { deleteArchivedJob } from '#jobs/postgres/delete-archived.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { readArchivedJob } from '#jobs/postgres/read-archive.ts'
import { lostWithStore } from '#jobs/reconcile.ts'
import { parseListChange } from '#jobs/redis/announcements.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { readEnded, readLogInParts } from '#jobs/redis/ended-jobs.ts'
import { epochOf } from '#jobs/redis/epoch.ts'
import { findUnarchived } from '#jobs/redis/find-jobs.ts'
import { countJobs, versionOfAllJobs } from '#jobs/redis/job-lists.ts'
import { keys, type Shard } from '#jobs/redis/keys.ts'
import { dropEnded } from '#jobs/redis/lost-jobs.ts'
import { closeQueues, openQueues } from '#jobs/redis/queue.ts'
import { readJob, readLog } from '#jobs/redis/read-job.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'
import type { Service } from '#local/services/service.ts'
import { type ArchiveDeps, archiveEnded } from '#workers/archive-ended.ts'
import { stopObsoleteRuns } from '#workers/maintain.ts'
import { noteUnnoted } from '#workers/note-unnoted.ts'
import { endLostAfter, type RecoverDeps, recoverLost } from '#workers/recover-lost.ts'
import { jobIn, newJob, newRef, openStore } from '../jobs/job-fixture.ts'
import { quietLog } from '../quiet-log.ts'
import { buildIndexOfManyShards, everybodysTarget } from '../searches/many-shards.ts'
import {
  apiClient,
  makePeople,
  startWorker,
  stopProcess,
  testEnvironment,
} from '../server/server-fixture.ts'
import { startServer } from '../server/start-server.ts'
import { createDatabase } from '../services.ts'
import { openTestEnvironment } from './test-environment.ts'

let redis: Service
beforeAll(async () => {
  const dataDir = await mkdtemp(join(inject('runDir'), 'lost-'))
  await chmod(dataDir, 0o711)
  redis = await ensureRedis({ dataDir })
})
afterAll(() => stopRedis(redis))

test('jobs that a flushed Redis has lost end with a reason, and the counts are right', async () => {
  const indexDir = await mkdtemp(join(tmpdir(), 'searchlight-lost-'))
  await buildIndexOfManyShards(indexDir)
  const { environment, drop } = await testEnvironment(indexDir)
  const variables = { ...environment, REDIS_URL: redis.url }
  const server = await startServer(variables)
  const people = await makePeople(variables.DATABASE_URL, variables.AUTH_SECRET, server.url)
  const asUser = apiClient(server.url, people.user.key)
  const asAdmin = apiClient(server.url, people.admin.key)
  const worker = await startWorker(variables)
  const fault = new Redis(redis.url)
  try {
    const start = async (search: string, input: object) =>
      (await asUser('POST', '/api/jobs', { search, input })).body.job?.id
    const state = async (id: string) => (await asUser('GET', `/api/jobs/${id}`)).body.job?.state
    const done = await start('keywords', { q: 'example' })
    await expect.poll(() => state(done)).toMatch(/complete|error/)
    const archived = async () => (await fault.zcard(`{${variables.REDIS_PREFIX}:0}:ended`)) === 0
    await expect.poll(archived).toBe(true)

    await asAdmin('POST', '/api/admin/queue/pause?search=keywords')
    const waiting = await start('keywords', { q: 'example' })
    const running = await start('linking-domains', { domain: everybodysTarget, limit: 10_000 })
    await expect.poll(() => state(running)).toBe('running')
    const before = (await asAdmin('GET', '/api/admin/stats')).body.counts
    await fault.flushall()

    for (const id of [waiting, running]) {
      await expect.poll(() => state(id)).toBe('error')
      const { body } = await asUser('GET', `/api/jobs/${id}`)
      expect(body.job).toMatchObject({ message: lostWithStore, userId: people.user.userId })
      const { events } = (await asUser('GET', `/api/jobs/${id}/timeline`)).body
      expect(events.map(({ data }: { data: { state: string } }) => data.state)).toEqual([
        'new',
        'error',
      ])
    }
    const listed = (await asUser('GET', '/api/jobs')).body.jobs
    expect(listed.map(({ id }: { id: string }) => id).sort()).toEqual(
      [done, waiting, running].sort(),
    )
    await expect
      .poll(async () => (await asAdmin('GET', '/api/admin/stats')).body.counts)
      .toEqual({ ...before, new: 0, running: 0, error: before.error + 2 })

    const again = await start('keywords', { q: 'example' })
    await expect.poll(() => state(again)).toMatch(/complete|error/)
  } finally {
    fault.disconnect()
    await stopProcess(worker, 'SIGKILL')
    await server.close()
    await drop()
    await rm(indexDir, { recursive: true })
  }
})

describe('a store that has lost jobs', () => {
  let store: JobStore & { close(): void }
  let shard: Shard
  let postgres: Postgres
  let drop: () => Promise<void>
  let deps: RecoverDeps & ArchiveDeps
  beforeEach(async () => {
    store = await openStore()
    shard = { namespace: store.namespace, number: 0 }
    const database = await createDatabase()
    drop = database.drop
    await migrateDatabase(database.url, archiveMigrations)
    postgres = connectPostgres(database.url)
    const queues = openQueues(store.redis, store)
    deps = { store, queues, db: postgres.db, makeEpoch: uuid, log: quietLog }
  })
  afterEach(async () => {
    await closeQueues(deps.queues)
    store.close()
    await postgres.close()
    await drop()
  })

  const note = (ref: JobRef) => {
    const input = JobInput.parse({ domain: 'example.com' })
    return noteAccepted([{ ...ref, input, brief: input, acceptedAt: new Date() }], deps.db)
  }
  const noted = () => acceptedAfter('', 100, deps.db)
  const cancel = async (ref: JobRef) =>
    endJob(await jobIn(store, ref.id), { state: 'cancelled', message: 'Cancelled by Ann.' }, store)
  const none = { new: 0, running: 0, complete: 0, error: 0, cancelled: 0 }
  const recoverAgain = async () => {
    await store.redis.hdel(keys.shard(shard), 'settled')
    await recoverLost(deps)
  }

  test('ends what is nowhere, once, by however many workers, and leaves the rest alone', async () => {
    const [live, archived, deleted, lost] = [newRef(), newRef(), newRef(), newRef()]
    for (const ref of [live, archived]) await newJob(store, ref)
    for (const ref of [live, archived, deleted, lost]) await note(ref)
    await cancel(archived)
    await archiveEnded(deps)
    await deleteArchivedJob(deleted.id, new Date(), deps.db)

    await Promise.all(Array.from({ length: 4 }, () => recoverLost(deps)))
    expect(await readArchivedJob(lost.id, deps.db)).toMatchObject({
      state: 'error',
      message: lostWithStore,
      attempt: 0,
      startedAt: null,
      seq: 2,
    })
    expect(await readArchivedJob(archived.id, deps.db)).toMatchObject({ state: 'cancelled' })
    expect(await readArchivedJob(deleted.id, deps.db)).toBeNull()
    expect(await readArchivedJob(live.id, deps.db)).toBeNull()
    expect(await jobIn(store, live.id)).toMatchObject({ state: 'new' })
    expect(await countJobs(store)).toEqual({ ...none, new: 1, error: 1, cancelled: 1 })
    expect(await noted()).toEqual([live.id])
  })

  test('a note that is later than the recovery is found, and its job counted', async () => {
    await recoverLost(deps)
    const late = newRef()
    await note(late)
    await Promise.all(Array.from({ length: 4 }, () => endLostAfter('', deps)))
    expect(await readArchivedJob(late.id, deps.db)).toMatchObject({ message: lostWithStore })
    expect(await countJobs(store)).toEqual({ ...none, error: 1 })
  })

  test('a job that has ended and is live again is dropped, with its lock and its place in lists', async () => {
    const [ended, live] = [newRef(), newRef()]
    await newJob(store, ended)
    await cancel(ended)
    await archiveEnded(deps)
    await dropEnded([ended.id], shard, store)
    // As an older Redis has it.
    await newJob(store, ended)
    await newJob(store, live)
    await recoverAgain()
    expect(await readJob(ended.id, null, store)).toBeNull()
    expect(await findUnarchived({ userId: ended.userId, limit: 10 }, store)).toEqual([])
    await newJob(store, newRef(ended.search, ended.userId))
    expect(await countJobs(store)).toEqual({ ...none, new: 2, cancelled: 1 })
  })

  test('a job that an older Redis runs once more keeps its first ending', async () => {
    const ref = await newJob(store)
    await cancel(ref)
    await archiveEnded(deps)
    await dropEnded([ref.id], shard, store)
    await newJob(store, ref)
    await endJob(await jobIn(store, ref.id), { state: 'error', message: 'why' }, store)
    await archiveEnded(deps)
    expect(await readJob(ref.id, null, store)).toBeNull()
    expect(await readArchivedJob(ref.id, deps.db)).toMatchObject({ state: 'cancelled' })
  })

  test('a job whose archiver died right after the commit stays readable for its grace time', async () => {
    const ref = await newJob(store)
    await cancel(ref)
    const [ended] = await readEnded([ref.id], shard, store)
    if (!ended) throw new Error('The job has not ended')
    await archiveJobs([{ ...ended, log: () => readLogInParts(ref.id, shard, store) }], deps.db)
    await archiveEnded(deps)
    expect(await readLog(ref.id, store)).toHaveLength(2)
    expect(await store.redis.ttl(keys.record(shard, ref.id))).toBeGreaterThan(0)
    expect(await store.redis.zcard(keys.ended(shard))).toBe(0)
  })

  test('jobs are counted exactly while they start, end and are archived', async () => {
    const total = 300
    let started = 0
    const users = Array.from({ length: 6 }, async () => {
      while (started++ < total) await cancel(await newJob(store))
    })
    const busy = Promise.all(users).then(() => archiveEnded(deps))
    const done = busy.then(() => true)
    do {
      await Promise.all([recoverAgain(), archiveEnded(deps), archiveEnded(deps)])
    } while (!(await Promise.race([done, Promise.resolve(false)])))
    expect(await countJobs(store)).toEqual({ ...none, cancelled: total })
    expect(await noted()).toEqual([])
  })

  test('counting anew raises the version of the feed', async () => {
    await cancel(await newJob(store))
    const before = await versionOfAllJobs(shard, store)
    await recoverAgain()
    expect(await versionOfAllJobs(shard, store)).toBeGreaterThan(before)
  })

  test('counting anew tells the readers of the feed to read it again', async () => {
    const reader = store.redis.duplicate()
    try {
      await reader.subscribe(keys.feed(shard))
      const message = once(reader, 'message')
      await recoverAgain()
      const [, text] = await message
      expect(parseListChange(text).job()).toBeNull()
      expect(parseListChange(text).epoch).not.toBe(await epochOf(shard, store))
    } finally {
      reader.disconnect()
    }
  })

  test('a live job that its server has not noted is noted by a worker', async () => {
    const [first, second] = [await newJob(store), await newJob(store)]
    const ended = await newJob(store)
    await cancel(ended)
    await note(first)
    await noteUnnoted([first.id, second.id, ended.id], deps)
    expect(await noted()).toEqual([first.id, second.id].sort())
    const { createdAt } = await jobIn(store, second.id)
    expect(await readAccepted([second.id], deps.db)).toMatchObject([
      { ...second, input: { domain: 'example.com' }, acceptedAt: new Date(createdAt) },
    ])
  })

  test('a job that is archived or deleted before its note is written leaves no note', async () => {
    const [archived, deleted] = [await newJob(store), await newJob(store)]
    for (const ref of [archived, deleted]) await cancel(ref)
    await archiveEnded(deps)
    await deleteArchivedJob(deleted.id, new Date(), deps.db)
    for (const ref of [archived, deleted]) await note(ref)
    expect(await noted()).toEqual([])
  })
})

test('a run whose job is lost stops quietly, and its slot takes the next job', async () => {
  const warnings: string[] = []
  const log = { ...quietLog, error: (_: object, message: string) => warnings.push(message) }
  let stops = 0
  const endless = defineSearch({
    name: 'endless',
    title: 'Endless',
    description: 'Runs until it is stopped.',
    input: z.object({ rows: z.boolean() }),
    columns: [],
    async *run({ rows }, { signal }) {
      try {
        while (!signal.aborted) {
          await delay(5, undefined, { signal })
          if (rows) yield { n: 1 }
        }
      } finally {
        stops++
      }
    },
  })
  const environment = await openTestEnvironment([endless], log)
  try {
    const { store } = environment
    const worker = environment.addWorker('test:1', { concurrency: 1 })
    for (const [before, rows] of [true, false].entries()) {
      const job = await environment.start('endless', { rows })
      await job.started(1)
      // All that this store has; the run's Redis is shared.
      await store.redis.del(await store.redis.keys(`{${store.namespace}:0}:*`))
      if (!rows) await stopObsoleteRuns(worker)
      await expect.poll(() => stops).toBe(before + 1)
    }
    const next = await environment.start('endless', { rows: true })
    await next.started(1)
    expect(warnings).toEqual([])
  } finally {
    await environment.close()
  }
})
