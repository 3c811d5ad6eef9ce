import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectRedis } from '#jobs/redis/connect.ts'
import { keys } from '#jobs/redis/keys.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { readWorkers, removeWorker, reportWorker } from '#jobs/redis/worker-registry.ts'
import { quietLog } from '../../quiet-log.ts'
import { redisUrl } from '../../services.ts'
import { openStore } from '../job-fixture.ts'

let store: JobStore & { close(): void }
beforeAll(async () => {
  store = await openStore()
})
afterAll(() => store.close())

const facts = (name: string) => ({
  name,
  version: '1.2.3',
  startedAt: '2026-01-01T00:00:00.000Z',
  rssBytes: 100_000_000,
  searches: [{ name: 'keywords', slots: 4 }],
  running: ['0-1'],
})

test('a process is one entry, with what it reported last', async () => {
  await reportWorker(facts('a:1'), store)
  await reportWorker({ ...facts('a:1'), running: [] }, store)
  await reportWorker(facts('b:1'), store)
  const seenAt = expect.any(String)
  expect(await readWorkers(store)).toEqual([
    { ...facts('a:1'), running: [], seenAt },
    { ...facts('b:1'), seenAt },
  ])
  await removeWorker('b:1', store)
  expect(await readWorkers(store)).toMatchObject([{ name: 'a:1' }])
})

test('a silent worker is no longer listed, and the next report removes it', async () => {
  const key = keys.workers(store)
  await store.redis.hset(key, 'silent:1', `1|${JSON.stringify(facts('silent:1'))}`)
  const names = async () => (await readWorkers(store)).map(({ name }) => name)
  expect(await names()).not.toContain('silent:1')
  await reportWorker(facts('c:1'), store)
  expect(await store.redis.hexists(key, 'silent:1')).toBe(0)
})

test('workers that come or go are announced, and others are not', async () => {
  const subscriber = connectRedis(redisUrl(), {
    name: 'test',
    log: quietLog,
    retries: null,
    subscriber: true,
  })
  const key = keys.workers(store)
  let announced = 0
  subscriber.on('message', () => announced++)
  await subscriber.subscribe(key)
  await reportWorker(facts('new:1'), store)
  await reportWorker(facts('new:1'), store)
  await removeWorker('new:1', store)
  // Its answer comes after the messages.
  await subscriber.subscribe('marker')
  expect(announced).toBe(2)
  subscriber.disconnect()
})
