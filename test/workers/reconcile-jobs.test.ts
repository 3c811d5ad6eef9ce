import { afterAll, beforeAll, expect, test } from 'vitest'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { readArchivedJob } from '#jobs/postgres/read-archive.ts'
import { lost, neverBegan } from '#jobs/reconcile.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { keys } from '#jobs/redis/keys.ts'
import { closeQueues, enqueueJob, openQueues, queueOf } from '#jobs/redis/queue.ts'
import { startJob } from '#jobs/redis/run-writes.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { type ArchiveDeps, archiveEnded } from '#workers/archive-ended.ts'
import { type ReconcileDeps, reconcile } from '#workers/reconcile-jobs.ts'
import { delivery, jobIn, newJob, newRef, openStore, quietLog } from '../jobs/job-fixture.ts'
import { createDatabase } from '../services.ts'

let store: JobStore & { close(): void }
let postgres: Postgres
let drop: () => Promise<void>
let deps: ReconcileDeps & ArchiveDeps
beforeAll(async () => {
  store = await openStore()
  const database = await createDatabase()
  drop = database.drop
  await migrateDatabase(database.url, archiveMigrations)
  postgres = connectPostgres(database.url)
  const queues = openQueues(store.redis, store)
  deps = { store, queues, db: postgres.db, attemptsOf: () => undefined, now: () => new Date(), log: quietLog }
})
afterAll(async () => {
  await closeQueues(deps.queues)
  store.close()
  await postgres.close()
  await drop()
})

const at = new Date()
const entryOf = async (ref: { id: string; userId: string; search: string }) => queueOf(ref, deps.queues).getJobState(ref.id)

/** As if whoever created it had died long ago. */
const forgottenJob = () => newJob(store, newRef(), { createdAt: new Date(Date.now() - 60_000) })
const later = (seconds: number): ReconcileDeps => ({ ...deps, now: () => new Date(Date.now() + seconds * 1_000) })

test('a job that was recorded and not enqueued is enqueued', async () => {
  const ref = await forgottenJob()
  await reconcile(deps)
  expect(await entryOf(ref)).toBe('waiting')
  expect((await jobIn(store, ref.id)).state).toBe('new')
})

test('a job that vanishes from the queue again and again ends in error', async () => {
  const ref = await forgottenJob()
  for (let i = 0; i < 3; i++) {
    await reconcile(later(i * 10))
    expect(await entryOf(ref)).toBe('waiting')
    await queueOf(ref, deps.queues).remove(ref.id)
  }
  await reconcile(later(60))
  expect(await jobIn(store, ref.id)).toMatchObject({ state: 'error', message: neverBegan })
})

test('a job that was created this moment is left to its server, however many reconcilers come by', async () => {
  const ref = await newJob(store)
  await Promise.all(Array.from({ length: 8 }, () => reconcile(deps)))
  expect(await entryOf(ref)).toBe('unknown')
  expect(await jobIn(store, ref.id)).toMatchObject({ state: 'new', seq: 1 })
})

test('a running job of which the queue knows nothing ends in error and frees its lock', async () => {
  const ref = await newJob(store)
  await startJob(delivery(ref), at, store)
  await reconcile(deps)
  expect(await jobIn(store, ref.id)).toMatchObject({ state: 'error', message: lost })
  await newJob(store, newRef(ref.search, ref.userId))
})

test('a job that waits in the queue is left alone', async () => {
  const ref = await newJob(store)
  await enqueueJob(ref, {}, deps.queues)
  const { seq } = await jobIn(store, ref.id)
  await reconcile(deps)
  expect((await jobIn(store, ref.id)).seq).toBe(seq)
})

test('an ended job is archived, its entry removed, and only then its keys begin to expire', async () => {
  const ref = await newJob(store)
  await enqueueJob(ref, {}, deps.queues)
  await endJob(await jobIn(store, ref.id), { state: 'cancelled', message: 'Cancelled by Ann.', at }, store)
  const key = keys.record({ namespace: store.namespace, number: 0 }, ref.id)
  await reconcile(deps)
  expect(await store.redis.ttl(key)).toBe(-1)
  await archiveEnded(deps)
  expect(await readArchivedJob(ref.id, postgres.db)).toEqual(await jobIn(store, ref.id))
  expect(await store.redis.ttl(key)).toBeGreaterThan(0)
  expect(await entryOf(ref)).toBe('unknown')
})

test('several reconcilers at once do each thing once', async () => {
  const ref = await newJob(store)
  await startJob(delivery(ref), at, store)
  await Promise.all(Array.from({ length: 5 }, () => reconcile(deps)))
  expect(await jobIn(store, ref.id)).toMatchObject({ state: 'error', seq: 3 })
})
