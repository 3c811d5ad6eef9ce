/**
 * Measures what a page of a list costs with 1,000, 100,000 and 1,000,000 archived jobs of 10,000
 * users, and with 10,000 waiting ones: each filter, first page and deep ones. Every page should take
 * at most twice its time with 1,000 jobs.
 */
import { sql } from 'drizzle-orm'
import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import type { JobState } from '#jobs/job.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres, type Database } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import { listJobs } from '#server/list-jobs.ts'
import { log, manyTimes, median, rounds, withServices } from './measure.ts'

const sizes = (process.env.SIZES ?? '1000,100000,1000000').split(',').map(Number)
const waiting = 10_000
const types = ['linking-domains', 'keywords', 'keyword-metrics', 'site-crawl']
const heavyUser = 'usr-00000'

/** Archives jobs as they come about in a year; 2 % are of one user. */
async function grow(from: number, to: number, db: Database): Promise<void> {
  const perInsert = 50_000
  for (let first = from; first < to; first += perInsert) {
    const last = Math.min(first + perInsert, to) - 1
    await db.execute(sql`
      insert into archived_jobs (id, user_id, search, input, brief, state, message, progress,
        row_count, attempt, epoch, seq, created_at, started_at, finished_at)
      select '0-' || lpad(to_hex(i), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(i), 12, '0'),
        case when i % 50 = 0 then ${heavyUser}
          else 'usr-' || lpad(((i * 7919) % 10000)::text, 5, '0') end,
        (array['linking-domains', 'keywords', 'keyword-metrics', 'site-crawl'])[1 + i % 4],
        json_build_object('domain', 'example' || (i % 1000) || '.com'),
        json_build_object('domain', 'example' || (i % 1000) || '.com'),
        case when i % 40 = 7 then 'error' when i % 200 = 3 then 'cancelled' else 'complete' end,
        case when i % 40 = 7 then 'The index could not be read.'
          when i % 200 = 3 then 'Cancelled by Ann.' end,
        '{"phase":"Reading links","done":16,"total":16,"unit":"shards"}', 5, 1,
        '5c0e9c0e-0000-4000-8000-000000000000', 5,
        at, at + interval '0.1 s', at + interval '3 s'
      from (select i::bigint,
        timestamptz '2025-01-01' + i * (interval '365 days' / ${sizes.at(-1)}) as at
        from generate_series(${first}::bigint, ${last}::bigint) i) jobs`)
  }
  await db.execute(sql`vacuum analyze archived_jobs`)
}

interface Case {
  name: string
  userId?: string
  state?: JobState
  search?: string
  /** Share of all archived jobs that are newer. */
  depth?: number
}
const cases: Case[] = [
  { name: 'all' },
  { name: 'all, half way down', depth: 0.5 },
  { name: 'all, at the end', depth: 0.999 },
  { name: 'running', state: 'running' },
  { name: 'new', state: 'new' },
  { name: 'complete', state: 'complete' },
  { name: 'cancelled', state: 'cancelled' },
  { name: 'cancelled, at the end', state: 'cancelled', depth: 0.99 },
  { name: 'one type', search: 'site-crawl' },
  { name: 'one type, half way down', search: 'site-crawl', depth: 0.5 },
  { name: 'a type without jobs', search: 'index-build' },
  { name: 'one type, in error', search: 'keywords', state: 'error' },
  { name: 'a user with many', userId: heavyUser },
  { name: 'a user with many, at the end', userId: heavyUser, depth: 0.99 },
  { name: 'a user with many, running', userId: heavyUser, state: 'running' },
  { name: 'a user with many, in error (none)', userId: heavyUser, state: 'error' },
  { name: 'a user with many, a type without jobs', userId: heavyUser, search: 'keywords' },
  { name: 'a user with few', userId: 'usr-00777' },
  { name: 'a user with few, cancelled', userId: 'usr-00777', state: 'cancelled' },
]

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

  async function timesOf({ depth, ...filter }: Case): Promise<number> {
    const before = depth === undefined ? undefined : await jobAt(depth)
    const times: number[] = []
    for (let round = 0; round < rounds(15) + 2; round++) {
      const startedAt = performance.now()
      await listJobs({ ...filter, before, limit: 100 }, { store, db })
      // The first ones warm the caches.
      if (round >= 2) times.push(performance.now() - startedAt)
    }
    return median(times)
  }

  let archived = 0
  async function jobAt(depth: number) {
    const { rows } = await db.execute<{ id: string; at: string }>(sql`
      select id, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
      from archived_jobs where id like ${`0-${(Math.floor(archived * (1 - depth)) || 0).toString(16).padStart(8, '0')}%`}`)
    const [job] = rows
    return job && { id: job.id, createdAt: job.at }
  }

  const measured = new Map<string, number[]>(cases.map(({ name }) => [name, []]))
  const columns: string[] = []
  async function measure(column: string): Promise<void> {
    columns.push(column)
    for (const each of cases) measured.get(each.name)?.push(await timesOf(each))
  }

  for (const size of sizes) {
    await grow(archived, size, db)
    archived = size
    await measure(size.toLocaleString('en'))
  }
  await manyTimes(waiting, 50, (i) =>
    createJob(
      {
        id: `0-${uuidV7()}`,
        userId: `usr-${i}`,
        search: types[i % types.length] ?? '',
        input: { domain: 'example.com' },
      },
      { inAll: 1_000_000, perUser: null },
      store,
    ),
  )
  await measure(`and ${waiting.toLocaleString('en')} waiting`)

  console.log(
    `ms a page of 100 jobs, medians of ${rounds(15)}; × is the ratio to ${columns[0]} jobs\n`,
  )
  console.log(`${''.padEnd(40)}${columns.map((column) => column.padStart(20)).join('')}`)
  for (const [name, times] of measured) {
    const [first = Number.NaN] = times
    const cells = times.map((ms) => `${ms.toFixed(1)} × ${(ms / first).toFixed(1)}`.padStart(20))
    console.log(`${name.padEnd(40)}${cells.join('')}`)
  }
  const { rows } = await db.execute<{ name: string; size: string }>(sql`
    select indexrelname as name, pg_size_pretty(pg_relation_size(indexrelid)) as size
    from pg_stat_user_indexes where relname = 'archived_jobs' order by 1`)
  console.log(`\nindexes: ${rows.map(({ name, size }) => `${name} ${size}`).join(', ')}`)
  store.redis.disconnect()
  await postgres.close()
})
