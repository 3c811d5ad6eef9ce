/**
 * Measures a page of 20 jobs for every combination of user, state, type and depth: with 1,000,
 * 100,000 and 1,000,000 archived jobs, and with 1,000,000 archived and 10,000 waiting ones. Each
 * should take at most twice its time with 1,000 archived jobs. All of them are measured in turn, so
 * that what else the machine does slows all of them.
 */
import { sql } from 'drizzle-orm'
import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import type { JobState } from '#jobs/job.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres, type Database, type Postgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { startJob } from '#jobs/redis/attempt.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { listJobs } from '#server/list-jobs.ts'
import { log, manyTimes, median, rounds, spread, withServices } from './measure.ts'

const sizes = (process.env.SIZES ?? '1000,100000,1000000').split(',').map(Number)
const waiting = 10_000
const pageSize = 20
const firstMs = Date.parse('2025-01-01T00:00:00Z')
/** 1,000,000 jobs are made in a year. */
const everyMs = 31_536
/** Pages below this would be at the mercy of the timer and of other processes. */
const leastMs = 0.5

const types = ['linking-domains', 'keywords', 'keyword-metrics', 'site-crawl']
const users = { everyone: undefined, busy: 'usr-busy', calm: 'usr-calm', casual: 'usr-casual' }
const states = [undefined, 'complete', 'error', 'cancelled', 'new', 'running'] as const
const searches = { any: undefined, one: 'keywords', unused: 'index-build' }
/** The job before which a page starts; jobs are numbered from the oldest. */
const depths = { first: () => undefined, middle: (size: number) => size / 2, end: () => 900 }

interface Case {
  user: keyof typeof users
  state: JobState | undefined
  search: keyof typeof searches
  depth: keyof typeof depths
}
const namesOf = <Name extends string>(record: Record<Name, unknown>) =>
  Object.keys(record) as Name[]
const cases: Case[] = namesOf(users).flatMap((user) =>
  states.flatMap((state) =>
    namesOf(searches).flatMap((search) =>
      namesOf(depths).map((depth) => ({ user, state, search, depth })),
    ),
  ),
)
const nameOf = ({ user, state, search, depth }: Case) =>
  `${user}, ${state ?? 'any state'}, ${search} type, ${depth}`

/**
 * Archives jobs, oldest first. 2 % are of the busy user, 2 % of the calm one, whose
 * jobs are all complete. The first 1,000 are mixed so that every list that will ever hold jobs
 * fills its page from the beginning; the casual user has no others.
 */
async function grow(size: number, db: Database): Promise<void> {
  const perInsert = 10_000
  for (let first = 0; first < size; first += perInsert) {
    const last = Math.min(first + perInsert, size) - 1
    await db.execute(sql`
      insert into archived_jobs (id, user_id, search, input, brief, state, message, progress,
        row_count, attempt, epoch, seq, created_at, started_at, finished_at)
      select '0-' || lpad(to_hex(i), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(i), 12, '0'),
        user_id, (array['linking-domains', 'keywords', 'keyword-metrics', 'site-crawl'])[1 + i % 4],
        input, input, state,
        case state when 'error' then 'The index could not be read.'
          when 'cancelled' then 'Cancelled by Ann.' end,
        '{"phase":"Reading links","done":16,"total":16,"unit":"shards"}', 5, 1,
        '5c0e9c0e-0000-4000-8000-000000000000', 5,
        at, at + interval '0.1 s', at + interval '3 s'
      from (select i,
        to_timestamp((${firstMs}::bigint + i * ${everyMs}::bigint) / 1000.0) as at,
        json_build_object('domain', 'example' || (i % 1000) || '.com', 'scope', 'site',
          'follow', 'all', 'verify', 0, 'limit', 1000) as input,
        case
          when i < 1000 then (array['usr-busy', 'usr-calm', 'usr-casual'])[1 + i / 4 % 3]
          when i % 50 = 0 then 'usr-calm'
          when i / 4 % 50 = 1 then 'usr-busy'
          else 'usr-' || lpad((i * 7919 % 10000)::text, 5, '0') end as user_id,
        case
          when i < 1000 and i / 4 % 3 <> 1
            then (array['error', 'cancelled', 'complete'])[1 + i / 12 % 3]
          when i < 1000 or i % 50 = 0 then 'complete'
          when i / 200 % 40 = 7 then 'error'
          when i / 200 % 200 = 3 then 'cancelled'
          else 'complete' end as state
        from generate_series(${first}::bigint, ${last}::bigint) i) jobs`)
  }
  await db.execute(sql`vacuum analyze archived_jobs`)
}

async function addLive(count: number, state: 'new' | 'running', store: JobStore): Promise<void> {
  await manyTimes(count, 50, async (i) => {
    const search = types[i % types.length] ?? ''
    const job = { id: `0-${uuidV7()}`, userId: `live-${uuid()}`, search }
    await createJob(
      { ...job, input: { domain: 'example.com' } },
      { inAll: 1_000_000, perUser: null },
      store,
    )
    if (state === 'running') await startJob({ ...job, number: 1, token: 't', worker: 'w' }, store)
  })
}

/** Archived jobs in a database, and live ones in a namespace of Redis. */
interface Place {
  name: string
  archived: number
  db: Database
  store: JobStore
}

async function timeOf(
  { user, state, search, depth }: Case,
  { archived, db, store }: Place,
): Promise<{ ms: number; jobs: number }> {
  const start = depths[depth](archived)
  const filter = {
    userId: users[user],
    state,
    search: searches[search],
    before: start === undefined ? undefined : sortKeyOf(start),
    limit: pageSize,
  }
  const startedAt = performance.now()
  const { jobs } = await listJobs(filter, { store, db })
  return { ms: performance.now() - startedAt, jobs: jobs.length }
}

/** Of the job with that number, as `grow` archives it. */
function sortKeyOf(i: number) {
  const hex = Math.floor(i).toString(16)
  return {
    id: `0-${hex.padStart(8, '0')}-0000-7000-8000-${hex.padStart(12, '0')}`,
    createdAt: new Date(firstMs + i * everyMs).toISOString(),
  }
}

await withServices(async ({ redis: url, database }) => {
  const open: { postgres: Postgres; size: number }[] = []
  const first = connectPostgres(database)
  for (const size of sizes) {
    const own = new URL(database)
    own.pathname = `/archive_${size}`
    await first.pool.query(`create database archive_${size}`)
    await migrateDatabase(own.href, archiveMigrations)
    const postgres = connectPostgres(own.href)
    await grow(size, postgres.db)
    open.push({ postgres, size })
  }
  const openLive = async (namespace: string, moreWaiting: number) => {
    const store = await openStore({
      url,
      namespace,
      shards: 1,
      name: 'bench',
      retries: null,
      makeEpoch: uuid,
      log,
    })
    await addLive(100, 'running', store)
    await addLive(100, 'new', store)
    await addLive(moreWaiting, 'new', store)
    return store
  }
  const few = await openLive('few', 0)
  const many = await openLive('many', waiting)
  const places: Place[] = open.map(({ postgres: { db }, size }) => ({
    name: size.toLocaleString('en'),
    archived: size,
    db,
    store: few,
  }))
  const largest = places.at(-1)
  if (largest)
    places.push({
      ...largest,
      name: `and ${waiting.toLocaleString('en')} waiting`,
      store: many,
    })

  const times = new Map<Case, number[][]>(cases.map((each) => [each, places.map(() => [])]))
  const found = new Map<Case, number[]>(cases.map((each) => [each, []]))
  const warmUps = 5
  for (let round = -warmUps; round < rounds(15); round++)
    for (const each of cases)
      for (const [k, place] of places.entries()) {
        const { ms, jobs } = await timeOf(each, place)
        if (round >= 0) times.get(each)?.[k]?.push(ms)
        const counts = found.get(each)
        if (counts) counts[k] = jobs
      }

  const results = cases.map((each) => {
    const medians = (times.get(each) ?? []).map(median)
    const [base = Number.NaN] = medians
    const ratios = medians.map((ms) => Math.max(ms, leastMs) / Math.max(base, leastMs))
    return { name: nameOf(each), medians, ratios, jobs: found.get(each) ?? [] }
  })
  console.log(
    `ms a page of ${pageSize} jobs, medians of ${rounds(15)}; × is the ratio to the first column; in brackets, the jobs found\n`,
  )
  console.log(`${''.padEnd(42)}${places.map(({ name }) => name.padStart(22)).join('')}`)
  for (const { name, medians, ratios, jobs } of results) {
    const cells = medians.map((ms, k) =>
      `${ms.toFixed(1)} × ${ratios[k]?.toFixed(1)} (${jobs[k]})`.padStart(22),
    )
    console.log(`${name.padEnd(42)}${cells.join('')}`)
  }
  console.log(`\nOf all ${results.length} lists:`)
  for (const [k, { name }] of places.entries()) {
    const ms = results.map(({ medians }) => medians[k] ?? Number.NaN)
    const ratios = results.map((each) => each.ratios[k] ?? Number.NaN)
    const slowest = results[ms.indexOf(Math.max(...ms))]
    const missed = results.filter((each) => (each.ratios[k] ?? 0) > 2)
    console.log(
      `${name}: ${spread(ms, 2)} ms (slowest: ${slowest?.name}), × ${spread(ratios, 2)}, over × 2: ${missed.length}`,
    )
    for (const each of missed) console.log(`  × ${each.ratios[k]?.toFixed(1)} ${each.name}`)
  }
  const { rows } = await (largest?.db ?? first.db).execute<{ name: string; size: string }>(sql`
    select indexrelname as name, pg_size_pretty(pg_relation_size(indexrelid)) as size
    from pg_stat_user_indexes where relname = 'archived_jobs' order by 1`)
  console.log(`\nindexes: ${rows.map(({ name, size }) => `${name} ${size}`).join(', ')}`)
  for (const store of [few, many]) store.redis.disconnect()
  for (const { close } of [first, ...open.map(({ postgres }) => postgres)]) await close()
})
