import { UnrecoverableError, Worker } from 'bullmq'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { unforeseen } from '#jobs/errors.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { readArchivedJob } from '#jobs/postgres/read-archive.ts'
import { lost, neverStarted } from '#jobs/reconcile.ts'
import { startJob } from '#jobs/redis/attempt.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { countJobs } from '#jobs/redis/job-lists.ts'
import { jobsToCheck } from '#jobs/redis/jobs-to-check.ts'
import { keys } from '#jobs/redis/keys.ts'
import { closeQueues, openQueues, queueOf } from '#jobs/redis/queue.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { quietLog } from '#test/quiet-log.ts'
import { type ArchiveDeps, archiveEnded } from '#workers/archive-ended.ts'
import { deleteOldJobs } from '#workers/maintain.ts'
import { type ReconcileDeps, reconcile, reconcileJob } from '#workers/reconcile-jobs.ts'
import { delivery, jobIn, newJob, newRef, openStore } from '../jobs/job-fixture.ts'
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
  deps = {
    store,
    queues,
    db: postgres.db,
    log: quietLog,
  }
})
afterAll(async () => {
  await closeQueues(deps.queues)
  store.close()
  await postgres.close()
  await drop()
})

const entryOf = async (ref: { id: string; userId: string; search: string }) =>
  queueOf(ref, deps.queues).getJobState(ref.id)

/** Removes the job's entry from the queue, as no script of ours does. */
const loseEntry = (ref: JobRef) => queueOf(ref, deps.queues).remove(ref.id)

test('a waiting job without a queue entry ends in error and frees its lock', async () => {
  const ref = await newJob(store)
  await loseEntry(ref)
  await reconcile(deps)
  expect(await jobIn(store, ref.id)).toMatchObject({ state: 'error', message: neverStarted })
  await newJob(store, newRef(ref.search, ref.userId))
})

test('a running job without a queue entry ends in error and frees its lock', async () => {
  const ref = await newJob(store)
  await startJob(delivery(ref), store)
  await loseEntry(ref)
  await reconcile(deps)
  expect(await jobIn(store, ref.id)).toMatchObject({ state: 'error', message: lost })
  await newJob(store, newRef(ref.search, ref.userId))
})

test('a job that waits in the queue is not changed', async () => {
  const ref = await newJob(store)
  const { seq } = await jobIn(store, ref.id)
  await reconcile(deps)
  expect((await jobIn(store, ref.id)).seq).toBe(seq)
})

test('an ended job’s keys expire only after it is archived and its entry removed', async () => {
  const ref = await newJob(store)
  await endJob(
    await jobIn(store, ref.id),
    { state: 'cancelled', message: 'Cancelled by Ann.' },
    store,
  )
  const key = keys.record({ namespace: store.namespace, number: 0 }, ref.id)
  await reconcile(deps)
  expect(await store.redis.ttl(key)).toBe(-1)
  await archiveEnded(deps)
  expect(await readArchivedJob(ref.id, postgres.db)).toEqual(await jobIn(store, ref.id))
  expect(await store.redis.ttl(key)).toBeGreaterThan(0)
  expect(await entryOf(ref)).toBe('unknown')
})

test('several simultaneous reconcilers end a job once', async () => {
  const ref = await newJob(store)
  await startJob(delivery(ref), store)
  await loseEntry(ref)
  await Promise.all(Array.from({ length: 5 }, () => reconcile(deps)))
  expect(await jobIn(store, ref.id)).toMatchObject({ state: 'error', seq: 3 })
})

/** Finishes the job's entry in the queue without touching its record. */
async function finishEntry(ref: JobRef, how: 'failed' | 'completed'): Promise<void> {
  const queue = queueOf(ref, deps.queues)
  // Not removed when completed, as ours are.
  await queue.remove(ref.id)
  await queue.add(ref.search, { userId: ref.userId }, { jobId: ref.id })
  const worker = new Worker(
    queue.name,
    async () => {
      if (how === 'failed') throw new UnrecoverableError('secret-host:5432 refused')
    },
    {
      connection: store.redis,
      prefix: keys.queues({ namespace: store.namespace, number: 0 }),
      autorun: false,
    },
  )
  const finished = new Promise<void>((resolve) => {
    const told = (job: { id?: string | undefined } | undefined) => job?.id === ref.id && resolve()
    worker.on('failed', told)
    worker.on('completed', told)
  })
  worker.run()
  await finished
  await worker.close()
}

test.each(['new', 'running'] as const)(
  'a %s job whose entry has failed ends in error, and the entry is removed',
  async (state) => {
    const ref = await newJob(store)
    if (state === 'running') await startJob(delivery(ref), store)
    await finishEntry(ref, 'failed')
    await reconcile(deps)
    expect(await jobIn(store, ref.id)).toMatchObject({ state: 'error', message: unforeseen })
    expect(await entryOf(ref)).toBe('unknown')
  },
)

test.each([
  ['new', neverStarted],
  ['running', lost],
] as const)('a %s job whose entry is completed ends in error', async (state, message) => {
  const ref = await newJob(store)
  if (state === 'running') await startJob(delivery(ref), store)
  await finishEntry(ref, 'completed')
  await reconcile(deps)
  expect(await jobIn(store, ref.id)).toMatchObject({ state: 'error', message })
})

test('a job that began another attempt after it was read is not ended', async () => {
  const ref = await newJob(store)
  await startJob(delivery(ref, 1), store)
  const stale = await jobIn(store, ref.id)
  await startJob(delivery(ref, 2), store)
  expect(await endJob(stale, { state: 'error', message: lost }, store)).toBe('changed')
  await endJob(
    await jobIn(store, ref.id),
    { state: 'cancelled', message: 'Cancelled by Ann.' },
    store,
  )
})

test('the entry of an ended job is removed, whether waiting or delayed', async () => {
  const waiting = await newJob(store)
  const delayed = await newJob(store)
  await loseEntry(delayed)
  await queueOf(delayed, deps.queues).add(
    delayed.search,
    { userId: delayed.userId },
    { jobId: delayed.id, delay: 60_000 },
  )
  for (const ref of [waiting, delayed])
    await endJob(
      await jobIn(store, ref.id),
      { state: 'cancelled', message: 'Cancelled by Ann.' },
      store,
    )
  await Promise.all([reconcileJob(waiting.id, deps), reconcileJob(delayed.id, deps)])
  expect([await entryOf(waiting), await entryOf(delayed)]).toEqual(['unknown', 'unknown'])
})

test('passes cycle through all jobs if there are more than one pass takes', async () => {
  const own = await openStore()
  const shard = { namespace: own.namespace, number: 0 }
  try {
    const ids: string[] = []
    for (let i = 0; i < 10; i++)
      ids.push((await newJob(own, newRef(), { createdAt: new Date(1_000 + Math.floor(i / 4)) })).id)
    const seen = new Set<string>()
    for (let pass = 0; pass < 4; pass++)
      for (const id of await jobsToCheck(shard, 4, own)) seen.add(id)
    expect(seen).toEqual(new Set(ids))
    expect(await jobsToCheck(shard, 4, own)).toHaveLength(4)
  } finally {
    own.close()
  }
})

test('a job that cannot be archived does not keep others from the archive', async () => {
  const refs = [await newJob(store), await newJob(store), await newJob(store)]
  for (const ref of refs)
    await endJob(
      await jobIn(store, ref.id),
      { state: 'cancelled', message: 'Cancelled by Ann.' },
      store,
    )
  const [broken, ...intact] = refs
  await store.redis.rpush(
    keys.log({ namespace: store.namespace, number: 0 }, broken?.id ?? ''),
    'rows|0|{"not": "rows"}',
  )
  await archiveEnded(deps)
  for (const ref of intact) expect(await readArchivedJob(ref.id, postgres.db)).not.toBeNull()
  expect(await readArchivedJob(broken?.id ?? '', postgres.db)).toBeNull()
  expect(
    await store.redis.ttl(keys.record({ namespace: store.namespace, number: 0 }, broken?.id ?? '')),
  ).toBe(-1)
})

test('nothing expires during a database outage, and the archive catches up after it', async () => {
  const ref = await newJob(store)
  await endJob(
    await jobIn(store, ref.id),
    { state: 'cancelled', message: 'Cancelled by Ann.' },
    store,
  )
  const unreachable = connectPostgres('postgres://user@127.0.0.1:1/none')
  await expect(
    archiveEnded({ ...deps, db: unreachable.db }).catch((error) =>
      Promise.reject(error.cause ?? error),
    ),
  ).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })
  const key = keys.record({ namespace: store.namespace, number: 0 }, ref.id)
  expect(await store.redis.ttl(key)).toBe(-1)
  // Ends the claim of the archiver that failed.
  await store.redis.zadd(keys.ended({ namespace: store.namespace, number: 0 }), 0, ref.id)
  await archiveEnded(deps)
  expect(await readArchivedJob(ref.id, postgres.db)).toMatchObject({
    id: ref.id,
    state: 'cancelled',
  })
  expect(await store.redis.ttl(key)).toBeGreaterThan(0)
  await unreachable.close()
})

test('jobs past their retention are deleted and no longer counted', async () => {
  const ref = await newJob(store)
  await endJob(
    await jobIn(store, ref.id),
    { state: 'cancelled', message: 'Cancelled by Ann.' },
    store,
  )
  await archiveEnded(deps)
  const before = (await countJobs(store)).cancelled
  await deleteOldJobs({ ...deps, archiveDays: 3, now: () => new Date() })
  expect(await readArchivedJob(ref.id, postgres.db)).not.toBeNull()
  const inAWeek = () => new Date(Date.now() + 7 * 24 * 60 * 60_000)
  await deleteOldJobs({ ...deps, archiveDays: null, now: inAWeek })
  expect(await readArchivedJob(ref.id, postgres.db)).not.toBeNull()
  await deleteOldJobs({ ...deps, archiveDays: 3, now: inAWeek })
  expect(await readArchivedJob(ref.id, postgres.db)).toBeNull()
  expect((await countJobs(store)).cancelled).toBeLessThan(before)
})
