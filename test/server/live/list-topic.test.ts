import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { JobSummary } from '#jobs/job.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { unarchivedJobsOf, versionOfMine } from '#jobs/redis/job-lists.ts'
import { keys } from '#jobs/redis/keys.ts'
import { startJob } from '#jobs/redis/run-writes.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { type ListReader, ListTopic } from '#server/live/list-topic.ts'
import { Subscriber } from '#server/live/subscriber.ts'
import { delivery, jobIn, newJob, newRef, openStore, quietLog } from '../../jobs/job-fixture.ts'
import { redisUrl } from '../../services.ts'

const at = new Date()
let store: JobStore & { close(): void }
let subscriber: Subscriber
beforeAll(async () => {
  store = await openStore()
  subscriber = new Subscriber(
    connectRedis(redisUrl(), { name: store.namespace, log: quietLog, retries: null, subscriber: true }),
    quietLog,
  )
})
afterAll(() => {
  subscriber.close()
  store.close()
})

/** The list of one user, on a topic of its own. Readings can be made slow: what they have read then grows old. */
function openList() {
  const { userId } = newRef()
  const shard = { namespace: store.namespace, number: 0 }
  let slow: Promise<void> | null = null
  let haveRead = () => {}
  const topic = new ListTopic({
    subscriber,
    log: quietLog,
    onEmpty() {},
    source: {
      channels: [keys.mine(shard, userId)],
      version: () => versionOfMine(shard, userId, store),
      async read() {
        const jobs = await unarchivedJobsOf(userId, store)
        haveRead()
        await slow
        return jobs
      },
    },
  })
  return {
    topic,
    async start(): Promise<JobRef> {
      const ref = await newJob(store, newRef('linking-domains', userId))
      await startJob(delivery(ref), at, store)
      return ref
    },
    /** The next reading has read, and is not there before it is let go. */
    slowReading() {
      let letGo = () => {}
      let fail = () => {}
      slow = new Promise((resolve, reject) => {
        letGo = resolve
        fail = () => {
          slow = null
          reject(new Error('Out of reach'))
        }
      })
      const read = new Promise<void>((resolve) => {
        haveRead = resolve
      })
      return { read, letGo: () => letGo(), fail: () => fail() }
    },
  }
}

const end = async (ref: JobRef) => endJob(await jobIn(store, ref.id), { state: 'cancelled', message: 'Cancelled.', at }, store)

/** What a client makes of it: it drops a summary that is older than the one it has. */
function listReader(wants: ListReader['wants'] = () => true) {
  const shown = new Map<string, JobSummary>()
  let told = 0
  const take = (job: JobSummary) => {
    const known = shown.get(job.id)
    if (!known || known.seq <= job.seq) shown.set(job.id, job)
  }
  const reader: ListReader = {
    wants,
    changes(changed, removed) {
      changed.forEach(take)
      for (const id of removed) shown.delete(id)
      told++
    },
  }
  return { reader, shown, take, toldTimes: () => told }
}

async function killDoorbells(): Promise<void> {
  const clients = String(await store.redis.client('LIST'))
  for (const line of clients.split('\n')) {
    const id = /^id=(\d+) /.exec(line)?.[1]
    if (id && line.includes(`name=${store.namespace} `)) await store.redis.client('KILL', 'ID', id)
  }
}

test('a list that is read again does not bring back what ended while it was read', async () => {
  const list = openList()
  const ref = await list.start()
  const { reader, shown, take, toldTimes } = listReader((job) => job.state === 'running')
  for (const job of (await list.topic.open(reader)).jobs) take(job)
  expect([...shown.keys()]).toEqual([ref.id])

  const reading = list.slowReading()
  await killDoorbells()
  await reading.read
  await end(ref)
  await vi.waitFor(() => expect([...shown.keys()]).toEqual([]))
  const told = toldTimes()
  reading.letGo()
  const other = await list.start()
  await vi.waitFor(() => expect(shown.has(other.id)).toBe(true))
  expect(toldTimes()).toBeGreaterThan(told)
  expect([...shown.keys()]).toEqual([other.id])
  list.topic.close(reader)
})

test('what no longer fits a filter before the list is answered is not shown for ever', async () => {
  const list = openList()
  const ref = await list.start()
  const first = listReader()
  await list.topic.open(first.reader)

  const second = listReader((job) => job.state === 'running')
  const reading = list.slowReading()
  const opening = list.topic.open(second.reader)
  await reading.read
  const told = first.toldTimes()
  await end(ref)
  await vi.waitFor(() => expect(first.toldTimes()).toBeGreaterThan(told))
  reading.letGo()
  for (const job of (await opening).jobs) second.take(job)
  const other = await list.start()
  await vi.waitFor(() => expect(second.shown.has(other.id)).toBe(true))
  expect([...second.shown.keys()]).toEqual([other.id])
  list.topic.close(first.reader)
  list.topic.close(second.reader)
})

test('a list that could not be read again is tried again', { timeout: 20_000 }, async () => {
  const list = openList()
  const ref = await list.start()
  const { reader, shown, take } = listReader()
  for (const job of (await list.topic.open(reader)).jobs) take(job)
  const reading = list.slowReading()
  // Nobody hears it: the doorbells take a moment to come back.
  await killDoorbells()
  await end(ref)
  await reading.read
  reading.fail()
  await vi.waitFor(() => expect(shown.get(ref.id)?.state).toBe('cancelled'), { timeout: 12_000 })
  list.topic.close(reader)
})
