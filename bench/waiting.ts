/**
 * Measures how long a keywords search waits for its start on one worker: alone, and while 50 crawls
 * are under way and more wait. It should be within 1 s (p95).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { v4 as uuid } from 'uuid'
import { countJobs } from '#jobs/redis/job-lists.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import { buildIndexOfManyShards } from '#test/searches/many-shards.ts'
import { openCrawlLoad } from '#test/workers/crawl-load.ts'
import { log, rounds, spread, withServices } from './measure.ts'

const indexDir = mkdtempSync(join(tmpdir(), 'searchlight-bench-index-'))
await buildIndexOfManyShards(indexDir, { shards: 16, sites: 500 })
await withServices(async ({ redis: url }) => {
  const store = await openStore({
    url,
    namespace: 'sl',
    shards: 1,
    name: 'bench',
    retries: null,
    makeEpoch: uuid,
    log,
  })
  const load = await openCrawlLoad(store, indexDir, log)

  async function waits(count: number): Promise<{ start: number[]; end: number[] }> {
    const start: number[] = []
    const end: number[] = []
    for (let i = 0; i < count; i++) {
      const id = await load.startKeywords()
      for (;;) {
        const job = (await readJob(id, null, store))?.job
        if (job?.startedAt && job.finishedAt) {
          start.push(Date.parse(job.startedAt) - Date.parse(job.createdAt))
          end.push(Date.parse(job.finishedAt) - Date.parse(job.createdAt))
          break
        }
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    return { start, end }
  }
  const p95 = (values: number[]) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)]
  const print = (name: string, { start, end }: { start: number[]; end: number[] }) =>
    console.log(
      `${name}: waits ${spread(start)} ms, p95 ${p95(start)}; ends after ${spread(end)} ms, p95 ${p95(end)}`,
    )

  await waits(3)
  print('alone', await waits(rounds(40)))
  for (let n = 0; n < 70; n++) await load.startCrawl(n)
  while ((await countJobs(store)).running < 50)
    await new Promise((resolve) => setTimeout(resolve, 50))
  print('beside 50 crawls', await waits(rounds(40)))
  console.log('afterwards', await countJobs(store))
  await load.close()
  store.redis.disconnect()
})
rmSync(indexDir, { recursive: true })
