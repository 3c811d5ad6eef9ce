/**
 * Measures the cost of tracking: adds and runs jobs that do nothing, with BullMQ alone (`bare`) and
 * with everything that Searchlight records about them (`tracked`: record, lock, log, lists,
 * announcements; archive.ts measures archiving). Variants alternate; each round starts with an
 * empty Redis.
 *
 * `watched` is `tracked` with subscribers to the admins' feed and an owner's list, so that
 * announcements are built.
 */
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import { z } from 'zod'
import { defineSearch } from '#jobs/define-search.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { renewEpochs } from '#jobs/redis/epoch.ts'
import { keys } from '#jobs/redis/keys.ts'
import { openQueues } from '#jobs/redis/queue.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { TypeSlots } from '#jobs/redis/type-slots.ts'
import { createRunningJobs } from '#workers/running-jobs.ts'
import { createSearchWorker } from '#workers/search-worker.ts'
import { log, manyTimes, median, rounds, spread, withServices } from './measure.ts'

const jobs = Number(process.env.JOBS ?? 10_000)
const concurrency = 50

const nothing = defineSearch({
  name: 'nothing',
  title: '',
  description: '',
  columns: [],
  input: z.object({ domain: z.string() }),
  async *run() {},
})

interface Measured {
  addPerSecond: number
  runPerSecond: number
  perSecond: number
  scriptUs: number
  calls: number
  commands: number
  networkBytes: number
  memoryBytes: number
}
type Variant = 'bare' | 'tracked' | 'watched'

async function measure(variant: Variant, url: string): Promise<Measured> {
  const redis = connectRedis(url, { name: 'bench', log, retries: null })
  const queueRedis = connectRedis(url, { name: 'bench-queue', log, retries: null })
  const listener = new Redis(url)
  await redis.flushall()
  const store: JobStore = { redis, namespace: 'bench', shards: 1 }
  await renewEpochs(uuid, store)
  if (variant === 'watched')
    await listener.subscribe(keys.feed(shard), keys.ownJobs(shard, 'user-1'))
  await redis.config('RESETSTAT')
  const memoryBefore = await usedMemory(redis)

  const addStartedAt = performance.now()
  if (variant === 'bare') await addBare(redis)
  else await addTracked(store)
  const addMs = performance.now() - addStartedAt
  const memoryBytes = ((await usedMemory(redis)) - memoryBefore) / jobs

  const runStartedAt = performance.now()
  await runAll(variant === 'bare' ? bareWorker(queueRedis) : trackedWorker(queueRedis, store))
  const runMs = performance.now() - runStartedAt
  const stats = await readStats(redis)
  for (const connection of [redis, queueRedis, listener]) connection.disconnect()
  return {
    addPerSecond: (jobs / addMs) * 1000,
    runPerSecond: (jobs / runMs) * 1000,
    perSecond: (jobs / (addMs + runMs)) * 1000,
    scriptUs: stats.scriptUs / jobs,
    calls: stats.scripts / jobs,
    commands: stats.commands / jobs,
    networkBytes: stats.bytes / jobs,
    memoryBytes,
  }
}

const input = { domain: 'example.com' }
const shard = { namespace: 'bench', number: 0 }
const prefix = keys.queues(shard)
const search = nothing.name
const options = {
  removeOnComplete: true,
  removeOnFail: { age: 24 * 60 * 60 },
  attempts: 3,
  backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
}

async function addBare(redis: Redis): Promise<void> {
  const queue = new Queue(search, { connection: redis, prefix })
  await manyTimes(jobs, concurrency, (i) =>
    queue.add(search, { userId: `user-${i}` }, { ...options, jobId: `0-${uuidV7()}` }),
  )
  await queue.close()
}

const limits = { inAll: 1_000_000, perUser: null }

function addTracked(store: JobStore): Promise<void> {
  return manyTimes(jobs, concurrency, async (i) => {
    await createJob({ id: `0-${uuidV7()}`, userId: `user-${i}`, search, input }, limits, store)
  })
}

function bareWorker(redis: Redis): Worker {
  return new Worker(search, async () => {}, {
    connection: redis,
    prefix,
    concurrency,
    autorun: false,
  })
}

function trackedWorker(redis: Redis, { namespace, shards }: JobStore): Worker {
  const store = { redis, namespace, shards }
  const deps = {
    store,
    queues: openQueues(redis, store),
    running: createRunningJobs(),
    archiver: { wake() {}, idle: async () => {} },
    findSearch: () => nothing,
    openTools: () => ({ close() {} }),
    log,
  }
  return createSearchWorker(
    shard,
    { search, slots: new TypeSlots(concurrency), name: 'bench:1' },
    deps,
  )
}

async function runAll(worker: Worker): Promise<void> {
  const allDone = new Promise<void>((resolve, reject) => {
    let done = 0
    worker.on('completed', () => ++done === jobs && resolve())
    worker.on('failed', (_job, error) => reject(error))
  })
  worker.run()
  await allDone
  await worker.close()
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])
}

async function readStats(redis: Redis) {
  const commands = [
    ...(await redis.info('commandstats')).matchAll(/^cmdstat_([\w|]+):calls=(\d+),usec=(\d+)/gm),
  ]
  const ofScripts = commands.filter(([, name]) => name === 'eval' || name === 'evalsha')
  const sum = (rows: RegExpMatchArray[], column: number) =>
    rows.reduce((total, row) => total + Number(row[column]), 0)
  const network = [
    ...(await redis.info('stats')).matchAll(/^total_net_(?:in|out)put_bytes:(\d+)/gm),
  ]
  return {
    scripts: sum(ofScripts, 2),
    scriptUs: sum(ofScripts, 3),
    commands: sum(commands, 2) - sum(ofScripts, 2),
    bytes: network.reduce((total, [, bytes]) => total + Number(bytes), 0),
  }
}

await withServices(async ({ redis }) => {
  const variants: Variant[] = ['bare', 'tracked', 'watched']
  const measured: Record<Variant, Measured[]> = { bare: [], tracked: [], watched: [] }
  for (let round = 0; round < rounds(7); round++) {
    for (const variant of variants) measured[variant].push(await measure(variant, redis))
  }
  const values = (variant: Variant, fact: keyof Measured) =>
    measured[variant].map((round) => round[fact])
  const facts: [string, keyof Measured][] = [
    ['jobs/s, added and run', 'perSecond'],
    ['jobs/s, added', 'addPerSecond'],
    ['jobs/s, run', 'runPerSecond'],
    ['Redis script µs per job', 'scriptUs'],
    ['script calls per job', 'calls'],
    ['commands in scripts per job', 'commands'],
    ['bytes in and out per job', 'networkBytes'],
    ['memory of a waiting job, bytes', 'memoryBytes'],
  ]
  console.log(
    `${jobs} jobs a round, ${concurrency} at once, medians of ${measured.bare.length} (min–max); ratio: median of the rounds' ratios`,
  )
  for (const [name, fact] of facts) {
    const digits = fact === 'calls' ? 2 : fact === 'commands' || fact === 'scriptUs' ? 1 : 0
    console.log(`\n${name}`)
    for (const variant of variants) {
      const ratio = median(
        values(variant, fact).map((value, i) => value / (values('bare', fact)[i] ?? Number.NaN)),
      )
      console.log(
        `  ${variant.padEnd(8)} ${spread(values(variant, fact), digits).padEnd(28)} × ${ratio.toFixed(2)}`,
      )
    }
  }
})
