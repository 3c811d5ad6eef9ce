/**
 * Measures how fast ended jobs are archived, and whether reading the last page of a large job is as
 * fast as reading its first.
 */
import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { readArchivedRows } from '#jobs/postgres/read-archive.ts'
import { startJob, writeRun } from '#jobs/redis/attempt.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import { closeQueues, openQueues } from '#jobs/redis/queue.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { TrackedRun } from '#jobs/tracked-run.ts'
import { archiveEnded } from '#workers/archive-ended.ts'
import { log, manyTimes, rounds, spread, withServices } from './measure.ts'

const smallJobs = 2_000
const largeRows = 100_000

async function createEndedJob(userId: string, rows: number, store: JobStore): Promise<string> {
  const job = {
    id: `0-${uuidV7()}`,
    userId,
    search: 'bench',
    input: { domain: 'example.com' },
    createdAt: new Date(),
  }
  await createJob(job, { inAll: 1_000_000, perUser: null }, store)
  await startJob({ ...job, number: 1, token: 'token', worker: 'bench:1' }, store)
  const run = new TrackedRun(1, {
    write: (write) => writeRun(job, write, store),
    onRefused() {},
    signal: new AbortController().signal,
  })
  for (let n = 0; n < rows; n++)
    await run.add({
      site: `site-${n}.example`,
      links: n,
      top_anchor: 'an anchor of some words',
      url: `https://site-${n}.example/page`,
    })
  await run.complete()
  return job.id
}

await withServices(async ({ redis: url, database }) => {
  await migrateDatabase(database, archiveMigrations)
  const postgres = connectPostgres(database)
  const store = await openStore({
    url,
    namespace: 'sl',
    shards: 1,
    name: 'bench',
    retries: null,
    makeEpoch: uuid,
    log,
  })
  const queues = openQueues(store.redis, store)
  const deps = { store, db: postgres.db, queues, now: () => new Date(), log }
  const time = async (task: () => Promise<unknown>) => {
    const startedAt = performance.now()
    await task()
    return performance.now() - startedAt
  }

  const small: number[] = []
  const large: number[] = []
  const first: number[] = []
  const last: number[] = []
  for (let round = 0; round < rounds(5); round++) {
    await manyTimes(smallJobs, 50, (i) => createEndedJob(`user-${i}`, 10, store))
    small.push((smallJobs / (await time(() => archiveEnded(deps)))) * 1000)
    const id = await createEndedJob('large', largeRows, store)
    large.push(await time(() => archiveEnded(deps)))
    for (let i = 0; i < 20; i++) {
      first.push(await time(() => readArchivedRows(id, { from: 0, limit: 1_000 }, postgres.db)))
      last.push(
        await time(() =>
          readArchivedRows(id, { from: largeRows - 1_000, limit: 1_000 }, postgres.db),
        ),
      )
    }
  }
  console.log(`Jobs of 10 rows archived per second:       ${spread(small)}`)
  console.log(
    `A job of ${largeRows.toLocaleString('en')} rows archived, ms:       ${spread(large)}`,
  )
  console.log(`Its first page of 1,000 rows, ms:          ${spread(first, 2)}`)
  console.log(`Its last page of 1,000 rows, ms:           ${spread(last, 2)}`)
  await closeQueues(queues)
  store.redis.disconnect()
  await postgres.close()
})
