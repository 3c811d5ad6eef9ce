import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { connectRedis } from '#jobs/redis/connect.ts'
import { keys } from '#jobs/redis/keys.ts'
import { closeQueues, openQueues, type Queues, queueOf } from '#jobs/redis/queue.ts'
import { readJob, readLog } from '#jobs/redis/read-job.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { program } from '../programs.ts'
import { quietLog } from '../quiet-log.ts'
import { buildIndexOfManyShards, everybodysTarget } from '../searches/many-shards.ts'
import {
  apiClient,
  makePeople,
  startServerProcess,
  startWorker,
  stopProcess,
  testEnvironment,
} from '../server/server-fixture.ts'

let indexDir: string
let environment: Awaited<ReturnType<typeof testEnvironment>>['environment']
let drop: () => Promise<void>
let server: Awaited<ReturnType<typeof startServerProcess>>
let key: string
let store: JobStore
let queues: Queues
const processes: ChildProcess[] = []

beforeAll(async () => {
  indexDir = await mkdtemp(join(tmpdir(), 'searchlight-killed-'))
  await buildIndexOfManyShards(indexDir, { shards: 8, sites: 200 })
  ;({ environment, drop } = await testEnvironment(indexDir))
  server = await startServerProcess(environment)
  const people = await makePeople(environment.DATABASE_URL, environment.AUTH_SECRET, server.url)
  key = people.user.key
  const redis = connectRedis(environment.REDIS_URL, { name: 'test', log: quietLog, retries: null })
  store = { redis, namespace: environment.REDIS_PREFIX, shards: 1 }
  queues = openQueues(redis, store)
})
afterEach(async () => {
  await Promise.all(processes.splice(0).map((child) => stopProcess(child, 'SIGKILL')))
})
afterAll(async () => {
  await closeQueues(queues)
  store.redis.disconnect()
  await stopProcess(server.child)
  await drop()
  await rm(indexDir, { recursive: true })
})

const shard = () => ({ namespace: store.namespace, number: 0 })
const request = {
  search: 'linking-domains',
  input: { domain: everybodysTarget, limit: 10_000 },
}

/** Starts a process that is killed right after the script. */
async function startDying(script: string) {
  const child = spawn(process.execPath, await program('test/workers/dying-process.ts'), {
    env: { ...process.env, ...environment, DIES_AFTER: script },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  processes.push(child)
  // Listens from the beginning: it may die before anyone waits for that.
  const exit = once(child, 'exit')
  return {
    child,
    async dies(): Promise<void> {
      const [, signal] = await exit
      expect(signal).toBe('SIGKILL')
    },
  }
}

/** The record's state and the entry's, which no death may tear apart. */
async function whereIs(id: string) {
  const job = (await readJob(id, null, store))?.job
  if (!job) throw new Error(`No job ${id}`)
  return [job.state, await queueOf(job, queues).getJobState(id)]
}

async function completes(id: string, attempt: number): Promise<void> {
  processes.push(await startWorker(environment))
  const job = async () => (await apiClient(server.url, key)('GET', `/api/jobs/${id}`)).body.job
  await expect.poll(async () => (await job()).state).toBe('complete')
  expect(await job()).toMatchObject({ attempt, rowCount: 200 })
  const states = ((await readLog(id, store)) ?? []).filter(({ type }) => type === 'state')
  expect(states).toHaveLength(attempt + 2)
}

test('a server killed right after it has created a job leaves one that runs', async () => {
  const dying = await startDying('create')
  const [{ url }] = await once(dying.child, 'message')
  await expect(apiClient(url, key)('POST', '/api/jobs', request)).rejects.toThrow()
  await dying.dies()
  const [id = ''] = await store.redis.zrange(keys.live(shard()), 0, '-1')
  expect(await whereIs(id)).toEqual(['new', 'waiting'])
  await completes(id, 1)
})

test.each([
  ['it has fetched a job', 'fetch'],
  ['it has written rows', 'write'],
])('a worker killed right after %s leaves one that starts over', async (_when, script) => {
  const dying = await startDying(script)
  const { body } = await apiClient(server.url, key)('POST', '/api/jobs', request)
  const { id } = body.job
  await dying.dies()
  expect(await whereIs(id)).toEqual(['running', 'active'])
  await completes(id, 2)
})

test('a worker killed right after it has finished a job leaves nothing to do', async () => {
  const dying = await startDying('finish')
  const { body } = await apiClient(server.url, key)('POST', '/api/jobs', request)
  const { id } = body.job
  await dying.dies()
  expect(await whereIs(id)).toEqual(['complete', 'unknown'])
  await completes(id, 1)
  const next = await apiClient(server.url, key)('POST', '/api/jobs', request)
  expect(next.status).toBe(201)
  await completes(next.body.job.id, 1)
})
