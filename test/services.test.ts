import { Redis } from 'ioredis'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { createDatabase, redisUrl, uniquePrefix } from '#test/services.ts'

test('Redis evicts nothing, and prefixes are unique', async () => {
  const redis = new Redis(redisUrl())
  expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction'])
  expect(uniquePrefix()).not.toBe(uniquePrefix())
  redis.disconnect()
})

test('a test database can be dropped while a client is connected', async () => {
  const database = await createDatabase()
  const client = new Client({ connectionString: database.url })
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query(
    `SELECT current_setting('server_encoding') AS encoding, upper('žluťoučký') AS upper`,
  )
  expect(rows).toEqual([{ encoding: 'UTF8', upper: 'ŽLUŤOUČKÝ' }])
  const ended = new Promise((resolve) => client.once('end', resolve))
  await database.drop()
  await ended
})
