import { v7 as uuidV7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineSearch } from '#jobs/define-search.ts'
import { makeJobId, shardOfUser } from '#jobs/job-id.ts'
import { closeQueues, openQueues, type Queues } from '#jobs/redis/queue.ts'
import { allShards, type JobStore } from '#jobs/redis/store.ts'
import { TypeSlots } from '#jobs/redis/type-slots.ts'
import { InvalidSettings, readSettings } from '#jobs/settings.ts'
import { createRunningJobs } from '#workers/running-jobs.ts'
import { createSearchWorker } from '#workers/search-worker.ts'
import { slotsOf, workerSettings } from '#workers/settings.ts'
import { jobIn, newJob, openStore } from '../jobs/job-fixture.ts'
import { quietLog } from '../quiet-log.ts'

let opened: Awaited<ReturnType<typeof openStore>>
let store: JobStore
let queues: Queues
beforeAll(async () => {
  opened = await openStore()
  store = { ...opened, shards: 3 }
  queues = openQueues(store.redis, store)
})
afterAll(async () => {
  await closeQueues(queues)
  opened.close()
})

test('a process keeps the slots of a type over all shards, and each shard gets its turn', async () => {
  let [running, most] = [0, 0]
  const shardsInOrder: string[] = []
  const counted = defineSearch({
    name: 'counted',
    title: '',
    description: '',
    columns: [],
    input: z.object({ shard: z.string() }),
    async *run({ shard }) {
      most = Math.max(most, ++running)
      shardsInOrder.push(shard)
      await new Promise((resolve) => setImmediate(resolve))
      yield {}
      running--
    },
  })
  const ids: string[] = []
  // Many of the first shard come before any of the others.
  const jobsOf = [40, 5, 5]
  for (let user = 0; jobsOf.some((count) => count > 0); user++) {
    const userId = `user-${user}`
    const shard = shardOfUser(userId, 3)
    if ((jobsOf[shard] ?? 0) === 0 || (shard > 0 && (jobsOf[0] ?? 0) > 0)) continue
    jobsOf[shard] = (jobsOf[shard] ?? 0) - 1
    const id = makeJobId(shard, uuidV7())
    await newJob(store, { id, userId, search: 'counted' }, { input: { shard: String(shard) } })
    ids.push(id)
  }
  const slots = new TypeSlots(2)
  const deps = {
    store,
    queues,
    running: createRunningJobs(),
    archiver: { wake() {}, idle: async () => {} },
    findSearch: () => counted,
    openTools: () => ({ close() {} }),
    log: quietLog,
  }
  const workers = allShards(store).map((shard) =>
    createSearchWorker(shard, { search: 'counted', slots, name: 'test:1' }, deps),
  )
  for (const worker of workers) worker.run()
  for (const id of ids)
    await expect.poll(async () => (await jobIn(store, id)).state).toBe('complete')
  expect(most).toBe(2)
  expect(slots.anyFree).toBe(true)
  const lastOfOthers = Math.max(shardsInOrder.lastIndexOf('1'), shardsInOrder.lastIndexOf('2'))
  expect(lastOfOthers).toBeLessThan(shardsInOrder.lastIndexOf('0'))
  await Promise.all(workers.map((worker) => worker.close()))
  expect([slots.tryTake(), slots.tryTake(), slots.tryTake()]).toEqual([true, true, false])
})

test('a slot goes to those who wait for it, in order', async () => {
  const slots = new TypeSlots(1)
  const { signal } = new AbortController()
  expect(slots.tryTake()).toBe(true)
  const first = slots.take(60_000, signal)
  const impatient = slots.take(0, signal)
  const aborted = new AbortController()
  const leaving = slots.take(60_000, aborted.signal)
  const last = slots.take(60_000, signal)
  expect(await impatient).toBe(false)
  aborted.abort()
  expect(await leaving).toBe(false)
  slots.release()
  expect(await first).toBe(true)
  expect(slots.tryTake()).toBe(false)
  slots.release()
  expect(await last).toBe(true)
  slots.release()
  expect(slots.tryTake()).toBe(true)
})

const settings = (WORKER_CONCURRENCY: string) =>
  readSettings(workerSettings, {
    REDIS_URL: 'redis://localhost',
    DATABASE_URL: 'postgres://localhost/none',
    WORKER_CONCURRENCY,
  }).WORKER_CONCURRENCY

test.each([
  ['', 20, 4],
  ['2', 2, 2],
  ['site-crawl=50', 50, 4],
  ['3, keywords=8', 3, 8],
])('WORKER_CONCURRENCY=%s', (written, ofCrawl, ofKeywords) => {
  expect(slotsOf({ name: 'site-crawl', slots: 20 }, settings(written))).toBe(ofCrawl)
  expect(slotsOf({ name: 'keywords' }, settings(written))).toBe(ofKeywords)
})

test.each(['0', 'many', 'keywords=', 'unknown=3', 'keywords=300'])(
  'WORKER_CONCURRENCY=%s is refused',
  (written) => expect(() => settings(written)).toThrow(InvalidSettings),
)
