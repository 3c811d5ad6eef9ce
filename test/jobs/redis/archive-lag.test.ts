import { expect, test } from 'vitest'
import { archiveLagMs } from '#jobs/redis/archive-lag.ts'
import { keys } from '#jobs/redis/keys.ts'
import { openStore } from '../job-fixture.ts'

const minute = 60_000

test('the lag of thousands of waiting jobs is that of an old one among them', async () => {
  const store = await openStore()
  const shard = { namespace: store.namespace, number: 0 }
  expect(await archiveLagMs(store)).toBe(0)
  // As after failed passes of archivers: the oldest are in the middle of the order.
  const count = 3_000
  const now = Date.now()
  const pipeline = store.redis.pipeline()
  for (let i = 0; i < count; i++) {
    const ageMs = (count - Math.abs(i - count / 2)) * minute
    pipeline.zadd(keys.ended(shard), i, `0-${i}`)
    pipeline.hset(keys.record(shard, `0-${i}`), 'finishedAt', now - ageMs)
  }
  await pipeline.exec()
  const lag = await archiveLagMs(store)
  expect(lag / (count * minute)).toBeGreaterThan(0.98)
  expect(lag / (count * minute)).toBeLessThan(1.01)
  store.close()
})
