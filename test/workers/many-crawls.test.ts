import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connectRedis } from '#jobs/redis/connect.ts'
import { countJobs } from '#jobs/redis/job-lists.ts'
import { jobIn } from '../jobs/job-fixture.ts'
import { quietLog } from '../quiet-log.ts'
import { buildIndexOfManyShards } from '../searches/many-shards.ts'
import { startWorker, stopProcess, testEnvironment } from '../server/server-fixture.ts'
import { crawlSettings, serveSites, startAlone } from './crawl-load.ts'

test('quick searches run while fifty crawls are under way and more wait', async () => {
  const indexDir = await mkdtemp(join(tmpdir(), 'searchlight-crawls-'))
  await buildIndexOfManyShards(indexDir, { shards: 4, sites: 50 })
  const { environment, drop } = await testEnvironment(indexDir)
  const redis = connectRedis(environment.REDIS_URL, { name: 'test', log: quietLog, retries: null })
  const store = { redis, namespace: environment.REDIS_PREFIX, shards: 1 }
  const sites = await serveSites()
  const worker = await startWorker({ ...environment, ...crawlSettings })
  try {
    for (let n = 0; n < 60; n++)
      await startAlone('site-crawl', { startUrl: sites.url(n), maxPages: 30 }, store)
    await expect.poll(() => countJobs(store)).toMatchObject({ running: 50, new: 10 })
    for (let i = 0; i < 5; i++) {
      const id = await startAlone('keywords', { q: 'example' }, store)
      await expect.poll(async () => (await jobIn(store, id)).state).toMatch(/complete|error/)
    }
    expect(await countJobs(store)).toMatchObject({ running: 50, new: 10 })
  } finally {
    await stopProcess(worker, 'SIGKILL')
    sites.close()
    redis.disconnect()
    await drop()
    await rm(indexDir, { recursive: true })
  }
})
