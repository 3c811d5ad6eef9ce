/**
 * Measures a page of 20 jobs for every combination of user, state, type and depth, with 1,000,
 * 100,000 and 1,000,000 archived jobs, and then with 10,000 waiting ones. Each should take at most
 * twice its time with 1,000 archived jobs.
 */
import { sql } from 'drizzle-orm'
import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import type { JobState } from '#jobs/job.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres, type Database } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { startJob } from '#jobs/redis/attempt.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { listJobs } from '#server/list-jobs.ts'
import { log, manyTimes, median, rounds, withServices } from './measure.ts'

const sizes = (process.env.SIZES ?? '1000,100000,1000000').split(',').map(Number)
const waiting = 10_000
const pageSize = 20
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
 * Archives jobs as they come about in a year. 2 % are of the busy user, 2 % of the calm one, whose
 * jobs are all complete. The first 1,000 are mixed so that every list that will ever hold jobs
 * fills its page from the beginning; the casual user has no others.
 */
async function grow(from: number, to: number, db: Database): Promise<void> {
  const perInsert = 10_000
  for (let first = from; first < to; first += perInsert) {
    const last = Math.min(first + perInsert, to) - 1
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
        timestamptz '2025-01-01' + i * (interval '365 days' / ${sizes.at(-1)}) as at,
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

  async function sortKeyOf(i: number) {
    const hex = Math.floor(i).toString(16)
    const id = `0-${hex.padStart(8, '0')}-0000-7000-8000-${hex.padStart(12, '0')}`
    const { rows } = await db.execute<{ at: Date | string }>(
      sql`select created_at as at from archived_jobs where id = ${id}`,
    )
    return { id, createdAt: new Date(rows[0]?.at ?? 0).toISOString() }
  }

  let archived = 0
  async function time(each: Case, times: number): Promise<{ ms: number; jobs: number }> {
    const start = depths[each.depth](archived)
    const filter = {
      userId: users[each.user],
      state: each.state,
      search: searches[each.search],
      before: start === undefined ? undefined : await sortKeyOf(start),
      limit: pageSize,
    }
    const taken: number[] = []
    let jobs = 0
    for (let round = 0; round < times; round++) {
      const startedAt = performance.now()
      jobs = (await listJobs(filter, { store, db })).jobs.length
      taken.push(performance.now() - startedAt)
    }
    return { ms: median(taken), jobs }
  }

  const measured = new Map<Case, { ms: number; jobs: number }[]>(cases.map((each) => [each, []]))
  const columns: string[] = []
  async function measure(column: string): Promise<void> {
    columns.push(column)
    for (const each of cases) await time(each, 5)
    for (const each of cases) measured.get(each)?.push(await time(each, rounds(15)))
  }

  await addLive(100, 'new', store)
  await addLive(100, 'running', store)
  for (const size of sizes) {
    await grow(archived, size, db)
    archived = size
    // The compiler of JavaScript is not what is measured.
    if (columns.length === 0) for (const each of cases) await time(each, 10)
    await measure(size.toLocaleString('en'))
  }
  await addLive(waiting, 'new', store)
  await measure(`and ${waiting.toLocaleString('en')} waiting`)

  const ratio = (ms: number, [first]: { ms: number }[]) =>
    Math.max(ms, leastMs) / Math.max(first?.ms ?? Number.NaN, leastMs)
  console.log(
    `ms a page of ${pageSize} jobs, medians of ${rounds(15)}; × is the ratio to ${columns[0]} jobs; in brackets, the jobs found\n`,
  )
  console.log(`${''.padEnd(46)}${columns.map((column) => column.padStart(20)).join('')}`)
  for (const [each, results] of measured) {
    const cells = results.map(({ ms, jobs }) =>
      `${ms.toFixed(1)} × ${ratio(ms, results).toFixed(1)} (${jobs})`.padStart(20),
    )
    console.log(`${nameOf(each).padEnd(46)}${cells.join('')}`)
  }
  console.log('\nOf all lists:')
  for (const [k, column] of columns.entries()) {
    const all = [...measured].flatMap(([each, results]) => {
      const { ms = Number.NaN } = results[k] ?? {}
      return [{ name: nameOf(each), ms, ratio: ratio(ms, results) }]
    })
    const slowest = all.reduce((a, b) => (b.ms > a.ms ? b : a))
    const missed = all.filter((each) => each.ratio > 2)
    console.log(
      `${column}: median ${median(all.map(({ ms }) => ms)).toFixed(2)} ms, slowest ${slowest.ms.toFixed(1)} ms (${slowest.name}), median × ${median(all.map((each) => each.ratio)).toFixed(2)}, over × 2: ${missed.length} of ${all.length}`,
    )
    for (const each of missed) console.log(`  × ${each.ratio.toFixed(1)} ${each.name}`)
  }
  const { rows } = await db.execute<{ name: string; size: string }>(sql`
    select indexrelname as name, pg_size_pretty(pg_relation_size(indexrelid)) as size
    from pg_stat_user_indexes where relname = 'archived_jobs' order by 1`)
  console.log(`\nindexes: ${rows.map(({ name, size }) => `${name} ${size}`).join(', ')}`)
  store.redis.disconnect()
  await postgres.close()
})
