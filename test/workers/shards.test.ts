import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeJobId, shardOfUser } from '#jobs/job-id.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { listArchivedJobs } from '#jobs/postgres/read-archive.ts'
import { startJob } from '#jobs/redis/attempt.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { claimStore, renewEpochs } from '#jobs/redis/epoch.ts'
import { findUnarchived } from '#jobs/redis/find-jobs.ts'
import { countJobs } from '#jobs/redis/job-lists.ts'
import { closeQueues, openQueues, type Queues, queuesOf } from '#jobs/redis/queue.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { quietLog } from '#test/quiet-log.ts'
import { archiveEnded } from '#workers/archive-ended.ts'
import { reconcile } from '#workers/reconcile-jobs.ts'
import { delivery, jobIn, newJob, openStore } from '../jobs/job-fixture.ts'
import { createDatabase } from '../services.ts'

const shards = 3
let opened: Awaited<ReturnType<typeof openStore>>
let store: JobStore
let queues: Queues
let postgres: Postgres
let drop: () => Promise<void>

beforeAll(async () => {
  opened = await openStore()
  store = { ...opened, shards }
  await renewEpochs(uuid, store)
  queues = openQueues(store.redis, store)
  const database = await createDatabase()
  drop = database.drop
  await migrateDatabase(database.url, archiveMigrations)
  postgres = connectPostgres(database.url)
})
afterAll(async () => {
  await closeQueues(queues)
  opened.close()
  await postgres.close()
  await drop()
})

test('users are spread over the shards; counts, lists and upkeep cover all shards', async () => {
  const refs: JobRef[] = []
  for (let i = 0; i < 30; i++) {
    const userId = `user-${i}`
    refs.push(
      await newJob(store, {
        id: makeJobId(shardOfUser(userId, shards), uuidV7()),
        userId,
        search: 'a',
      }),
    )
  }
  expect(new Set(refs.map(({ id }) => id[0]))).toEqual(new Set(['0', '1', '2']))
  expect(await countJobs(store)).toMatchObject({ new: 30, running: 0 })
  expect(new Set((await findUnarchived({ limit: 100 }, store)).map(({ id }) => id))).toEqual(
    new Set(refs.map(({ id }) => id)),
  )
  for (const ref of refs)
    expect(
      (await findUnarchived({ userId: ref.userId, limit: 100 }, store)).map(({ id }) => id),
    ).toEqual([ref.id])

  for (const ref of refs) await startJob(delivery(ref), store)
  expect(await countJobs(store)).toMatchObject({ new: 0, running: 30 })
  const deps = {
    store,
    queues,
    db: postgres.db,
    log: quietLog,
  }
  await reconcile(deps)
  expect(await countJobs(store)).toMatchObject({ running: 30 })

  for (const ref of refs)
    await endJob(
      await jobIn(store, ref.id),
      { state: 'cancelled', message: 'Cancelled by Ann.' },
      store,
    )
  await archiveEnded(deps)
  expect(await listArchivedJobs({ limit: 100 }, postgres.db)).toHaveLength(30)
  expect(await findUnarchived({ limit: 100 }, store)).toEqual([])
  expect(await countJobs(store)).toMatchObject({ new: 0, running: 0, cancelled: 30 })
  for (const queue of queuesOf('a', queues)) expect(await queue.count()).toBe(0)
})

test('a store with another number of shards or another layout is refused', async () => {
  await claimStore(store)
  await claimStore(store)
  await expect(claimStore({ ...store, shards: 2 })).rejects.toThrow(
    'SHARDS is 2, but this Redis holds jobs in 3',
  )
  const other = await openStore()
  await other.redis.set(`{${other.namespace}:0}:shards`, 1)
  await expect(claimStore(other)).rejects.toThrow('jobs of another version of Searchlight')
  other.close()
})
