import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { countJobs } from '#jobs/redis/job-lists.ts'
import { jobIn, openStore } from '../jobs/job-fixture.ts'
import { quietLog } from '../quiet-log.ts'
import { buildIndexOfManyShards } from '../searches/many-shards.ts'
import { openCrawlLoad } from './crawl-load.ts'

test('quick searches run while fifty crawls are under way and more wait', async () => {
  const indexDir = await mkdtemp(join(tmpdir(), 'searchlight-crawls-'))
  await buildIndexOfManyShards(indexDir, { shards: 4, sites: 50 })
  const store = await openStore()
  const load = await openCrawlLoad(store, indexDir, quietLog)
  try {
    for (let n = 0; n < 60; n++) await load.startCrawl(n)
    await expect.poll(() => countJobs(store)).toMatchObject({ running: 50, new: 10 })
    for (let i = 0; i < 5; i++) {
      const id = await load.startKeywords()
      await expect.poll(async () => (await jobIn(store, id)).state).toBe('complete')
    }
    // No crawl has ended, so none has made room for them.
    expect(await countJobs(store)).toMatchObject({ running: 50, new: 10, complete: 5 })
  } finally {
    await load.close()
    store.close()
    await rm(indexDir, { recursive: true })
  }
})
