import { chmod, cp, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Socket } from 'socket.io-client'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { lostWithStore } from '#jobs/reconcile.ts'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'
import type { Service } from '#local/services/service.ts'
import { endProcess } from '#processes/end-process.ts'
import {
  apiClient,
  connectSocket,
  makePeople,
  startWorker,
  stopProcess,
  testEnvironment,
} from './server-fixture.ts'
import { startServer } from './start-server.ts'

/** A Redis of its own, which the tests empty and set back. Its writes are on disk once answered. */
let dataDir: string
let redis: Service
let fault: Redis
let environment: Awaited<ReturnType<typeof testEnvironment>>['environment']
let drop: () => Promise<void>
let server: Awaited<ReturnType<typeof startServer>>
let postgres: Postgres
let people: Awaited<ReturnType<typeof makePeople>>
let asUser: ReturnType<typeof apiClient>
let asAdmin: ReturnType<typeof apiClient>

beforeAll(async () => {
  dataDir = await mkdtemp(join(inject('runDir'), 'lost-store-'))
  await chmod(dataDir, 0o711)
})
beforeEach(async () => {
  redis = await ensureRedis({ dataDir })
  fault = new Redis(redis.url)
  fault.on('error', () => {})
  await fault.flushall()
  await fault.config('SET', 'appendfsync', 'always')
  const made = await testEnvironment('none')
  environment = { ...made.environment, REDIS_URL: redis.url }
  drop = made.drop
  server = await startServer(environment)
  postgres = connectPostgres(environment.DATABASE_URL)
  people = await makePeople(environment.DATABASE_URL, environment.AUTH_SECRET, server.url)
  asUser = apiClient(server.url, people.user.key)
  asAdmin = apiClient(server.url, people.admin.key)
})
afterEach(async () => {
  await server.close()
  await postgres.close()
  await drop()
  fault.disconnect()
})
afterAll(() => stopRedis(redis))

const inputs = { keywords: { q: 'redis' }, 'linking-domains': { domain: 'example.com' } }

/** Starts a search and waits until it is noted. */
async function start(search: keyof typeof inputs): Promise<string> {
  const { status, body } = await asUser('POST', '/api/jobs', { search, input: inputs[search] })
  expect(status).toBe(201)
  await expect.poll(noted).toContain(body.job.id)
  return body.job.id
}
async function noted(): Promise<string[]> {
  const { rows } = await postgres.pool.query('select id from accepted_jobs')
  return rows.map(({ id }) => id)
}
const jobOf = async (id: string) => (await asUser('GET', `/api/jobs/${id}`)).body.job
const counts = async () => (await asAdmin('GET', '/api/admin/stats')).body.counts
const idsOf = (jobs: { id: string }[]) => jobs.map(({ id }) => id)

/** Everything that a socket is sent about its jobs and its list. */
async function follow(socket: Socket, ids: string[]) {
  const seen = { resyncs: new Map<string, string>(), revoked: [] as unknown[] }
  socket.on('resync', ({ id, job }) => seen.resyncs.set(id, job.state))
  socket.on('revoked', (message) => seen.revoked.push(message))
  await socket.emitWithAck('watch', { jobs: ids.map((id) => ({ id })) })
  return seen
}

test('watchers and readers of a lost job learn that it ended, without any worker', async () => {
  const [watched, read] = [await start('keywords'), await start('linking-domains')]
  const socket = await connectSocket(server.url, people.user.key)
  try {
    const seen = await follow(socket, [watched])
    await fault.flushall()
    expect(await jobOf(read)).toMatchObject({ state: 'error', message: lostWithStore })
    await expect.poll(() => seen.resyncs.get(watched)).toBe('error')
    expect(seen.revoked).toEqual([])
    expect(await noted()).toEqual([])
    const { jobs } = (await asUser('GET', '/api/jobs')).body
    expect(idsOf(jobs)).toEqual([read, watched])
  } finally {
    socket.disconnect()
  }
})

test('an older Redis loses only the jobs that it does not have, and forgets those that ended', async () => {
  const ended = await start('keywords')
  const waiting = await start('linking-domains')
  const redisDir = join(dataDir, 'redis')
  await cp(redisDir, join(dataDir, 'older'), { recursive: true })
  await asUser('POST', `/api/jobs/${ended}/cancel`)
  const worker = await startWorker({ ...environment, WORKER_CONCURRENCY: '1' })
  try {
    // The worker runs what waits; pausing keeps the third job from starting.
    await expect.poll(async () => (await jobOf(waiting)).finishedAt).not.toBeNull()
    await expect.poll(noted).toEqual([])
    await asAdmin('POST', '/api/admin/queue/pause')
    const lost = await start('keywords')
    const before = await counts()

    await endProcess(redis.process, [['SIGKILL', 5_000]])
    await rm(redisDir, { recursive: true })
    await cp(join(dataDir, 'older'), redisDir, { recursive: true })
    redis = await ensureRedis({ dataDir, port: redis.port })

    await expect.poll(async () => (await jobOf(lost))?.state).toBe('error')
    expect(await jobOf(lost)).toMatchObject({ message: lostWithStore })
    await expect.poll(counts).toEqual({ ...before, new: 0, running: 0, error: before.error + 1 })
    expect(await jobOf(ended)).toMatchObject({ state: 'cancelled' })
    expect(await fault.keys(`{${environment.REDIS_PREFIX}:0}:lock:*`)).toEqual([])
    const { jobs } = (await asUser('GET', '/api/jobs')).body
    expect(idsOf(jobs).sort()).toEqual([ended, waiting, lost].sort())
    const again = await asUser('POST', '/api/jobs', { search: 'keywords', input: inputs.keywords })
    expect(again.status).toBe(201)
  } finally {
    await stopProcess(worker, 'SIGKILL')
  }
})
