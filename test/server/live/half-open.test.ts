import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobStore } from '#jobs/redis/store.ts'
import { openHalfOpenProxy } from '../../chaos/half-open.ts'
import { newJob, openStore } from '../../jobs/job-fixture.ts'
import { redisUrl } from '../../services.ts'
import { type OpenHub, openHub } from './hub-fixture.ts'

let store: JobStore & { close(): void }
let proxy: Awaited<ReturnType<typeof openHalfOpenProxy>>
let opened: OpenHub
beforeAll(async () => {
  store = await openStore()
  proxy = await openHalfOpenProxy(redisUrl())
  opened = openHub(store, { url: proxy.url })
})
afterAll(() => {
  opened.close()
  proxy.close()
  store.close()
})

test('a watch is answered although the subscriber is half-open and has no other channel', async () => {
  const { hub } = opened
  const reader = { event() {}, resync() {}, closed() {} }
  const watch = (id: string) => hub.watch(reader, id, null, (reading) => reading !== null)
  const first = await newJob(store)
  await watch(first.id)
  hub.unwatch(reader, first.id)
  expect(proxy.makeUnresponsive()).toBe(true)

  const second = await newJob(store)
  await watch(second.id)
  expect(hub.size).toBe(1)
})
