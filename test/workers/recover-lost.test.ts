import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { JobInput } from '#jobs/job.ts'
import { noteAccepted } from '#jobs/postgres/accepted-jobs.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { deleteArchivedJob } from '#jobs/postgres/delete-archived.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { readArchivedJob } from '#jobs/postgres/read-archive.ts'
import { lostWithStore } from '#jobs/reconcile.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { openQueues } from '#jobs/redis/queue.ts'
import type { JobRef } from '#jobs/redis/store.ts'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'
import type { Service } from '#local/services/service.ts'
import { archiveEnded } from '#workers/archive-ended.ts'
import { recoverLost } from '#workers/recover-lost.ts'
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

test('only jobs that are nowhere are lost, and once, by however many workers', async () => {
  const store = await openStore()
  const database = await createDatabase()
  await migrateDatabase(database.url, archiveMigrations)
  const postgres = connectPostgres(database.url)
  const { db } = postgres
  const note = (ref: JobRef) => {
    const input = JobInput.parse({ domain: 'example.com' })
    return noteAccepted([{ ...ref, input, brief: input, acceptedAt: new Date() }], db)
  }
  const deps = { store, db, makeEpoch: uuid, now: () => new Date(), log: quietLog }
  try {
    const [live, archived, deleted, lost] = [newRef(), newRef(), newRef(), newRef()]
    for (const ref of [live, archived]) await newJob(store, ref)
    for (const ref of [live, archived, deleted, lost]) await note(ref)
    await endJob(await jobIn(store, archived.id), { state: 'cancelled', message: 'why' }, store)
    await archiveEnded({ store, db, queues: openQueues(store.redis, store), log: quietLog })
    await deleteArchivedJob(deleted.id, new Date(), db)
    // A server can be slower than the job.
    for (const ref of [archived, deleted]) await note(ref)

    await Promise.all(Array.from({ length: 3 }, () => recoverLost(new Map(), deps)))
    expect(await readArchivedJob(lost.id, db)).toMatchObject({
      state: 'error',
      message: lostWithStore,
      seq: 2,
    })
    expect(await readArchivedJob(archived.id, db)).toMatchObject({ state: 'cancelled' })
    expect(await readArchivedJob(deleted.id, db)).toBeNull()
    expect(await readArchivedJob(live.id, db)).toBeNull()
    expect(await jobIn(store, live.id)).toMatchObject({ state: 'new' })

    // Without another epoch, nothing is looked for.
    const known = new Map<number, string>()
    await recoverLost(known, deps)
    const later = { ...newRef(), id: `0-${uuidV7()}` }
    await note(later)
    await recoverLost(known, deps)
    expect(await readArchivedJob(later.id, db)).toBeNull()
  } finally {
    store.close()
    await postgres.close()
    await database.drop()
  }
})
