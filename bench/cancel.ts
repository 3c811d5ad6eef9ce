/**
 * How fast a cancellation works: until the record says so (and the lock is free), and until the
 * search in the worker is told to stop.
 */
import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import { z } from 'zod'
import { defineSearch } from '#jobs/define-search.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { keys } from '#jobs/redis/keys.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import { closeQueues, enqueueJob, openQueues } from '#jobs/redis/queue.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import { cancelJob } from '#server/cancel-job.ts'
import { createRunningJobs } from '#workers/running-jobs.ts'
import { createSearchWorker } from '#workers/search-worker.ts'
import { log, rounds, spread, withServices } from './measure.ts'

/** Runs until it is told to stop, and says when it began and when it was told. */
let began = () => {}
let told = (_at: number) => {}
const endless = defineSearch({
  name: 'endless',
  title: '',
  description: '',
  columns: [],
  input: z.object({}),
  async *run(_input, { signal }) {
    const stop = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    began()
    await stop
    told(performance.now())
    yield {}
  },
})

await withServices(async ({ redis: url }) => {
  const store = await openStore({
    url,
    namespace: 'sl',
    shards: 1,
    name: 'bench',
    retries: null,
    makeEpoch: uuid,
    log,
  })
  const shard = { namespace: 'sl', number: 0 }
  const queues = openQueues(store.redis, store)
  const control = connectRedis(url, { name: 'bench-control', log, retries: null })
  const running = createRunningJobs()
  control.on('message', (_channel, id) => running.ended(id))
  await control.subscribe(keys.control(shard))
  const deps = {
    store,
    queues,
    running,
    archiver: { wake() {}, idle: async () => {} },
    findSearch: () => endless,
    attemptsOf: () => undefined,
    openTools: () => ({ close() {} }),
    now: () => new Date(),
    log,
  }
  const worker = createSearchWorker(
    shard,
    { redis: store.redis, concurrency: 4, name: 'bench:1' },
    deps,
  )
  worker.run()
  const recorded: number[] = []
  const aborted: number[] = []
  for (let round = 0; round < rounds(200); round++) {
    const job = {
      id: `0-${uuidV7()}`,
      userId: 'user',
      search: 'endless',
      input: {},
      createdAt: new Date(),
    }
    const running = new Promise<void>((resolve) => {
      began = resolve
    })
    const stopped = new Promise<number>((resolve) => {
      told = resolve
    })
    await createJob(job, { inAll: 1_000, perUser: null }, store)
    await enqueueJob(job, {}, queues)
    await running
    const reading = await readJob(job.id, null, store)
    if (!reading) throw new Error('The job is gone')
    const asked = performance.now()
    await cancelJob(reading.job, { userId: 'user', name: 'Ann' }, deps)
    recorded.push(performance.now() - asked)
    aborted.push((await stopped) - asked)
  }
  const p99 = (values: number[]) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN
  console.log(
    `Until the record says so, ms:     ${spread(recorded, 2)}, 99 % within ${p99(recorded).toFixed(2)}`,
  )
  console.log(
    `Until the search is told, ms:     ${spread(aborted, 2)}, 99 % within ${p99(aborted).toFixed(2)} (${aborted.length} times)`,
  )
  await worker.close(true)
  await closeQueues(queues)
  control.disconnect()
  store.redis.disconnect()
})
