import { statSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'
import { isNewEnough } from '#local/services/redis-binary.ts'
import type { Service, ServiceOptions } from '#local/services/service.ts'
import { endProcess, hasEnded } from '#processes/end-process.ts'
import { commandLineOf, isRunning } from '#processes/process-identity.ts'
import { tempDir } from '../temp-dir.ts'

async function redisOf(options: ServiceOptions): Promise<Service> {
  const service = await ensureRedis(options)
  onTestFinished(() => stopRedis(service))
  return service
}

async function withClient<T>(service: Service, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(service.url)
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}

test('the next start adopts a running Redis', async () => {
  const dataDir = await tempDir()
  const first = await redisOf({ dataDir })
  const second = await redisOf({ dataDir })
  expect(second).toEqual({ ...first, adopted: true })
})

test('Redis keeps its data, port and password after a crash', async () => {
  const dataDir = await tempDir()
  const first = await redisOf({ dataDir })
  await withClient(first, (client) => client.set('kept', 'yes'))
  await endProcess(first.process, [['SIGKILL', 5_000]])

  const second = await redisOf({ dataDir, port: first.port })
  expect(second.url).toBe(first.url)
  expect(second.process.pid).not.toBe(first.process.pid)
  expect(await withClient(second, (client) => client.get('kept'))).toBe('yes')
})

test('a hanging Redis is stopped and replaced', async () => {
  const dataDir = await tempDir()
  const first = await redisOf({ dataDir })
  process.kill(first.process.pid, 'SIGSTOP')
  const second = await redisOf({ dataDir })
  expect(isRunning(first.process)).toBe(false)
  expect(await withClient(second, (client) => client.ping())).toBe('PONG')
})

test('stopping leaves no process', async () => {
  const service = await redisOf({ dataDir: await tempDir() })
  await stopRedis(service)
  expect(await hasEnded(service.process, 0)).toBe(true)
})

test('the password is neither in the process list nor readable by other users', async () => {
  const dataDir = await tempDir()
  const service = await redisOf({ dataDir })
  const { password } = new URL(service.url)
  expect(password.length).toBeGreaterThan(20)
  expect(commandLineOf(service.process.pid)).not.toContain(password)
  expect(statSync(join(dataDir, 'redis.json')).mode & 0o777).toBe(0o600)
})

test('Redis evicts nothing and flushes to disk every second', async () => {
  const service = await redisOf({ dataDir: await tempDir() })
  const settings = await withClient(service, (client) =>
    client.config('GET', 'maxmemory-policy', 'appendonly', 'appendfsync', 'bind'),
  )
  const pairs = Array.from({ length: 4 }, (_, index) =>
    (settings as string[]).slice(index * 2, index * 2 + 2),
  )
  expect(Object.fromEntries(pairs)).toEqual({
    'maxmemory-policy': 'noeviction',
    appendonly: 'yes',
    appendfsync: 'everysec',
    bind: '127.0.0.1',
  })
})

test('Redis 6.2 and Valkey are new enough, Redis 6.0 is not', () => {
  expect(isNewEnough('Redis server v=6.2.0 sha=00000000:0 malloc=jemalloc-5.1.0 bits=64')).toBe(
    true,
  )
  expect(isNewEnough('Valkey server v=8.1.1 sha=00000000:0')).toBe(true)
  expect(isNewEnough('Redis server v=6.0.16 sha=00000000:0')).toBe(false)
})
