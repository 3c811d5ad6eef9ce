import { expect, test } from 'vitest'
import { connectRedis } from '#jobs/redis/connect.ts'
import { openHalfOpenProxy } from '../../chaos/half-open.ts'
import { quietLog } from '../../quiet-log.ts'
import { redisUrl } from '../../services.ts'

test('a half-open connection fails its command in time and is replaced', async () => {
  const proxy = await openHalfOpenProxy(redisUrl())
  const redis = connectRedis(proxy.url, {
    name: 'test',
    log: quietLog,
    retries: 5,
    commandTimeoutMs: 200,
  })
  // The proxy can make connections half-open that have subscribed once.
  await redis.subscribe('any')
  await redis.unsubscribe('any')
  expect(proxy.makeUnresponsive()).toBe(true)
  await expect(redis.ping()).rejects.toThrow('Command timed out')
  await expect.poll(() => redis.ping().catch(() => 'failed')).toBe('PONG')
  redis.disconnect()
  proxy.close()
})
