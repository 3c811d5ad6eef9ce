import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectRedis } from '#jobs/redis/connect.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { Hub } from '#server/live/hub.ts'
import { Subscriber } from '#server/live/subscriber.ts'
import { openHalfOpenProxy } from '../../chaos/half-open.ts'
import { newJob, openStore, quietLog } from '../../jobs/job-fixture.ts'
import { redisUrl } from '../../services.ts'

let store: JobStore & { close(): void }
let proxy: Awaited<ReturnType<typeof openHalfOpenProxy>>
let subscriber: Subscriber
let hub: Hub
beforeAll(async () => {
  store = await openStore()
  proxy = await openHalfOpenProxy(redisUrl())
  subscriber = new Subscriber(
    connectRedis(proxy.url, { name: 'half-open', log: quietLog, retries: null, subscriber: true }),
    quietLog,
  )
  hub = new Hub({ store, subscriber, read: (id, since) => readJob(id, since, store), log: quietLog })
  hub.startChecking()
})
afterAll(() => {
  hub.stopChecking()
  subscriber.close()
  proxy.close()
  store.close()
})

test('a watch is answered though the subscriber has become half-open and nobody else watches', { timeout: 20_000 }, async () => {
  const reader = { event() {}, resync() {}, closed() {} }
  const watch = (id: string) => hub.watch(reader, id, null, (reading) => reading !== null)
  const first = await newJob(store)
  await watch(first.id)
  hub.unwatch(reader, first.id)
  expect(proxy.deafen()).toBe(true)

  const second = await newJob(store)
  await watch(second.id)
  expect(hub.size).toBe(1)
})
