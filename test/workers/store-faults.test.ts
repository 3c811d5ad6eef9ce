import { chmod, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { v4 as uuid } from 'uuid'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { defineSearch } from '#jobs/define-search.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { renewEpochs } from '#jobs/redis/epoch.ts'
import { closeQueues, openQueues, queueOf } from '#jobs/redis/queue.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { TypeSlots } from '#jobs/redis/type-slots.ts'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'
import type { Service } from '#local/services/service.ts'
import { endProcess } from '#processes/end-process.ts'
import { createRunningJobs } from '#workers/running-jobs.ts'
import { createSearchWorker } from '#workers/search-worker.ts'
import { jobIn, newJob, newRef } from '../jobs/job-fixture.ts'
import { quietLog } from '../quiet-log.ts'

/** A worker in this process, on a Redis of its own that tests can fill, kill and restart. */
let dataDir: string
let redis: Service
let store: JobStore
let go: { after(step: string): void; passed(step: string): Promise<void> }
let gates: Map<string, { promise: Promise<void>; resolve(): void }>
let close: () => Promise<void>

beforeEach(async () => {
  dataDir = await mkdtemp(join(inject('runDir'), 'store-faults-'))
  await chmod(dataDir, 0o711)
  redis = await ensureRedis({ dataDir })
  const connection = connectRedis(redis.url, { name: 'test', log: quietLog, retries: null })
  store = { redis: connection, namespace: 'sl', shards: 1 }
  await renewEpochs(uuid, store)
  gates = new Map()
  go = {
    after: (step) => gate(step).resolve(),
    passed: (step) => gate(step).promise,
  }
  const queues = openQueues(connection, store)
  const deps = {
    store,
    queues,
    running: createRunningJobs(),
    archiver: { wake() {}, idle: async () => {} },
    findSearch: () => stepwise,
    openTools: () => ({ close() {} }),
    log: quietLog,
  }
  const worker = createSearchWorker(
    { namespace: 'sl', number: 0 },
    { search: 'stepwise', slots: new TypeSlots(1), name: 'test:1' },
    deps,
  )
  worker.run()
  close = async () => {
    await worker.close()
    await closeQueues(queues)
    connection.disconnect()
    await stopRedis(redis)
  }
})
afterEach(() => close())

function gate(name: string) {
  const existing = gates.get(name)
  if (existing) return existing
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  const made = { promise, resolve }
  gates.set(name, made)
  return made
}

/** Yields a row, waits until the test lets it go on, and yields another. */
const stepwise = defineSearch({
  name: 'stepwise',
  title: '',
  description: '',
  columns: [],
  input: z.object({}),
  async *run() {
    go.after('started')
    yield { n: 0 }
    await go.passed('continue')
    yield { n: 1 }
    go.after('yielded')
    await go.passed('finish')
  },
})

async function restart(): Promise<void> {
  await endProcess(redis.process, [['SIGKILL', 5_000]])
  redis = await ensureRedis({ dataDir, port: redis.port })
}

test('a Redis that is killed and restarted between each two steps loses none of them', async () => {
  const ref = await newJob(store, newRef('stepwise'))
  await restart()
  await go.passed('started')
  await expect.poll(async () => (await jobIn(store, ref.id)).rowCount).toBe(1)
  await restart()
  go.after('continue')
  await go.passed('yielded')
  await expect.poll(async () => (await jobIn(store, ref.id)).rowCount).toBe(2)
  await restart()
  go.after('finish')
  await expect.poll(async () => (await jobIn(store, ref.id)).state).toBe('complete')
  await restart()
  const job = await jobIn(store, ref.id)
  expect(job).toMatchObject({ state: 'complete', attempt: 1, rowCount: 2 })
  const queues = openQueues(store.redis, store)
  expect(await queueOf(ref, queues).getJobState(ref.id)).toBe('unknown')
  await closeQueues(queues)
})

test('a search that runs while Redis is full keeps its lock and goes on afterwards', async () => {
  const ref = await newJob(store, newRef('stepwise'))
  await go.passed('started')
  await store.redis.config('SET', 'maxmemory', '1')
  go.after('continue')
  await go.passed('yielded')
  // Longer than the lock lasts unless it is extended.
  await delay(10_000)
  await store.redis.config('SET', 'maxmemory', '0')
  await expect.poll(async () => (await jobIn(store, ref.id)).rowCount).toBe(2)
  // Full once more, as it ends.
  await store.redis.config('SET', 'maxmemory', '1')
  go.after('finish')
  await delay(10_000)
  expect(await jobIn(store, ref.id)).toMatchObject({ state: 'running', attempt: 1 })
  await store.redis.config('SET', 'maxmemory', '0')
  await expect.poll(async () => (await jobIn(store, ref.id)).state).toBe('complete')
  expect(await jobIn(store, ref.id)).toMatchObject({ attempt: 1, rowCount: 2 })
})
