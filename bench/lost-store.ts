/**
 * Measures what it takes to make good a Redis that lost its data, beside 1,000,000 archived jobs:
 * counting the archive, checking 10,000 jobs of which none is lost, and ending them when all are.
 */
import { sql } from 'drizzle-orm'
import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import { JobInput } from '#jobs/job.ts'
import {
  acceptedAfter,
  countArchived,
  noteAccepted,
  withArchiveAtRest,
} from '#jobs/postgres/accepted-jobs.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { countJobs } from '#jobs/redis/job-lists.ts'
import { keys } from '#jobs/redis/keys.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import { endLostAfter, recoverLost } from '#workers/recover-lost.ts'
import { log, manyTimes, rounds, spread, withServices } from './measure.ts'

const archived = 1_000_000
const accepted = 10_000
const roomy = { inAll: 1_000_000, perUser: null }
const input = JobInput.parse({ domain: 'example.com', scope: 'site', follow: 'all', limit: 1_000 })

await withServices(async ({ redis: url, database }) => {
  await migrateDatabase(database, archiveMigrations)
  const postgres = connectPostgres(database)
  const { db } = postgres
  const store = await openStore({
    url,
    namespace: 'sl',
    shards: 1,
    name: 'bench',
    retries: null,
    makeEpoch: uuid,
    log,
  })
  const deps = { store, db, makeEpoch: uuid, log: { ...log, warn() {} } }
  const shard = { namespace: 'sl', number: 0 }
  const timesOf = async (task: () => Promise<unknown>) => {
    const times: number[] = []
    for (let round = 0; round < rounds(5); round++) {
      const startedAt = performance.now()
      await task()
      times.push(performance.now() - startedAt)
    }
    return spread(times)
  }
  const count = () => withArchiveAtRest((tx) => countArchived(0, tx), db)

  const perInsert = 50_000
  for (let first = 0; first < archived; first += perInsert)
    await db.execute(sql`
      insert into archived_jobs (id, user_id, search, input, brief, state, row_count, attempt, epoch,
        seq, created_at, started_at, finished_at)
      select '0-' || lpad(to_hex(i), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(i), 12, '0'),
        'usr-' || i % 10000, 'keywords', ${JSON.stringify(input)}, ${JSON.stringify(input)},
        case when i % 40 = 7 then 'error' when i % 200 = 3 then 'cancelled' else 'complete' end,
        5, 1, ${uuid()}, 5, at, at, at
      from (select i, timestamptz '2025-01-01' + i * interval '30 s' as at
        from generate_series(${first}::bigint, ${first + perInsert - 1}::bigint) i) jobs`)
  console.log(`ms to count the archive, just filled:        ${await timesOf(count)}`)
  await db.execute(sql`vacuum analyze archived_jobs`)
  console.log(`ms to count the archive, vacuumed:           ${await timesOf(count)}`)

  await manyTimes(accepted / 500, 1, async () => {
    const jobs = Array.from({ length: 500 }, () => ({ id: `0-${uuidV7()}`, userId: uuid() }))
    await manyTimes(jobs.length, 50, async (i) => {
      const job = jobs[i]
      if (job) await createJob({ ...job, search: 'keywords', input }, roomy, store)
    })
    await noteAccepted(
      jobs.map((job) => ({
        ...job,
        search: 'keywords',
        input,
        brief: input,
        acceptedAt: new Date(),
      })),
      db,
    )
  })
  console.log(
    `ms of a regular check of 500 jobs:           ${await timesOf(() => endLostAfter('', deps))}`,
  )
  const nothingLost = await timesOf(async () => {
    await store.redis.hdel(keys.shard(shard), 'settled')
    await recoverLost(deps)
  })
  console.log(
    `ms to recover, ${accepted.toLocaleString('en')} live jobs, none lost:    ${nothingLost}`,
  )
  await store.redis.flushall()
  const startedAt = performance.now()
  await recoverLost(deps)
  console.log(
    `ms to recover, all ${accepted.toLocaleString('en')} of them lost:      ${(performance.now() - startedAt).toFixed(0)} (once)`,
  )
  console.log(
    `notes left: ${(await acceptedAfter('', 1, db)).length}; counts:`,
    await countJobs(store),
  )
  store.redis.disconnect()
  await postgres.close()
})
