import { afterAll, beforeAll, expect, test } from 'vitest'
import { endJob } from '#jobs/redis/end-job.ts'
import { keys } from '#jobs/redis/keys.ts'
import { shardOf } from '#jobs/redis/store.ts'
import { reportWorker } from '#jobs/redis/worker-registry.ts'
import { jobIn, newJob, openStore } from '../jobs/job-fixture.ts'
import { apiClient, makePeople, testEnvironment } from './server-fixture.ts'
import { startServer } from './start-server.ts'

let server: Awaited<ReturnType<typeof startServer>>
let store: Awaited<ReturnType<typeof openStore>>
let admin: ReturnType<typeof apiClient>
let drop: () => Promise<void>
beforeAll(async () => {
  const { environment, drop: dropDatabase } = await testEnvironment('none')
  drop = dropDatabase
  store = await openStore(environment.REDIS_PREFIX)
  server = await startServer(environment)
  const people = await makePeople(environment.DATABASE_URL, environment.AUTH_SECRET, server.url)
  admin = apiClient(server.url, people.admin.key)
})
afterAll(async () => {
  await server.close()
  store.close()
  await drop()
})

// Polled: on a busy machine, a check may not get its answers in time.
const warnings = async () => {
  const { status, body } = await admin('GET', '/readyz')
  expect(status).toBe(200)
  expect(body).toMatchObject({ ready: true, problems: [] })
  return body.warnings
}
const metrics = async () => (await admin('GET', '/metrics')).body

test('a server without workers is ready, with a warning', async () => {
  await expect.poll(warnings).toEqual([expect.stringContaining('No worker')])
  await expect.poll(metrics).toMatch(/^searchlight_workers 0$/m)
  const facts = { version: '1', startedAt: new Date().toISOString(), rssBytes: 1 }
  await reportWorker({ name: 'test:1', searches: [], running: [], ...facts }, store)
  await expect.poll(warnings).toEqual([])
  await expect.poll(metrics).toMatch(/^searchlight_workers 1$/m)
})

test('a paused type of search is a warning that names it', async () => {
  await admin('POST', '/api/admin/queue/pause?search=keywords')
  await expect.poll(warnings).toEqual([expect.stringMatching(/paused.*: keywords\.$/)])
  await expect.poll(metrics).toMatch(/^searchlight_paused_queues 1$/m)
  await admin('POST', '/api/admin/queue/resume')
  await expect.poll(warnings).toEqual([])
})

test('an ended search that waits for the archive is a warning', async () => {
  await expect.poll(metrics).toMatch(/^searchlight_archive_lag_seconds 0$/m)
  const ref = await newJob(store)
  const job = await jobIn(store, ref.id)
  await endJob(job, { state: 'error', message: 'A test ended it.' }, store)
  await expect.poll(warnings).toEqual([])
  const endedAt = Date.now() - 2 * 3_600_000
  await store.redis.hset(keys.record(shardOf(ref, store), ref.id), 'finishedAt', endedAt)
  await expect.poll(warnings).toEqual([expect.stringContaining('The archive is behind')])
  await expect.poll(metrics).toMatch(/^searchlight_archive_lag_seconds 72\d\d$/m)
})
