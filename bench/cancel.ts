/**
 * Measures the time from a cancellation until the job's record is cancelled (and its lock is free),
 * and until the search in the worker is aborted.
 */
import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import { z } from 'zod'
import { defineSearch } from '#jobs/define-search.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { keys } from '#jobs/redis/keys.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import { closeQueues, openQueues } from '#jobs/redis/queue.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import { TypeSlots } from '#jobs/redis/type-slots.ts'
import { cancelJob } from '#server/cancel-job.ts'
import { createRunningJobs } from '#workers/running-jobs.ts'
import { createSearchWorker } from '#workers/search-worker.ts'
import { log, rounds, spread, withServices } from './measure.ts'

/** Callbacks of the current round. */
let onStart = () => {}
let onAbort = (_at: number) => {}
/** A search that runs until it is aborted. */
const endless = defineSearch({
  name: 'endless',
  title: '',
  description: '',
  columns: [],
  input: z.object({}),
  async *run(_input, { signal }) {
    const aborted = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    onStart()
    await aborted
    onAbort(performance.now())
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
    openTools: () => ({ close() {} }),
    log,
  }
  const worker = createSearchWorker(
    shard,
    { search: 'endless', slots: new TypeSlots(4), name: 'bench:1' },
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
    }
    const started = new Promise<void>((resolve) => {
      onStart = resolve
    })
    const abortedAt = new Promise<number>((resolve) => {
      onAbort = resolve
    })
    await createJob(job, { inAll: 1_000, perUser: null }, store)
    await started
    const reading = await readJob(job.id, null, store)
    if (!reading) throw new Error('The job is gone')
    const cancelledAt = performance.now()
    await cancelJob(reading.job, { userId: 'user', name: 'Ann' }, deps)
    recorded.push(performance.now() - cancelledAt)
    aborted.push((await abortedAt) - cancelledAt)
  }
  const p99 = (values: number[]) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN
  console.log(
    `Until the record is cancelled, ms: ${spread(recorded, 2)}, 99 % within ${p99(recorded).toFixed(2)}`,
  )
  console.log(
    `Until the search is aborted, ms:   ${spread(aborted, 2)}, 99 % within ${p99(aborted).toFixed(2)} (${aborted.length} times)`,
  )
  await worker.close(true)
  await closeQueues(queues)
  control.disconnect()
  store.redis.disconnect()
})
