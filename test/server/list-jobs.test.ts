import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { v7 as uuidV7 } from 'uuid'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { AlreadyRunning } from '#jobs/errors.ts'
import { fits } from '#jobs/feed-filter.ts'
import { type JobState, type JobSummary, jobStates } from '#jobs/job.ts'
import { makeJobId, shardOfUser } from '#jobs/job-id.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { newestFirst } from '#jobs/newest-first.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { type JobFilter, listArchivedJobs } from '#jobs/postgres/read-archive.ts'
import { startJob, writeRun } from '#jobs/redis/attempt.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { openQueues } from '#jobs/redis/queue.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { listJobs } from '#server/list-jobs.ts'
import { type ArchiveDeps, archiveEnded } from '#workers/archive-ended.ts'
import { delivery, jobIn, newJob, openStore } from '../jobs/job-fixture.ts'
import { quietLog } from '../quiet-log.ts'
import { createDatabase } from '../services.ts'

let postgres: Postgres
let drop: () => Promise<void>
beforeAll(async () => {
  // Like those of many systems, this locale ignores hyphens: it sorts the ids of shard 1 after those
  // of shard 10. By bytes, they come before.
  const database = await createDatabase('en-US-u-ka-shifted')
  drop = database.drop
  await migrateDatabase(database.url, archiveMigrations)
  // One connection, so that a test may count what it reads in a transaction.
  postgres = connectPostgres(database.url, { max: 1 })
})
afterAll(async () => {
  await postgres.close()
  await drop()
})

let store: Awaited<ReturnType<typeof openStore>>
let deps: ArchiveDeps
async function openEmpty(): Promise<void> {
  await postgres.db.execute(sql`delete from archived_jobs`)
  store = await openStore(undefined, 12)
  deps = { store, db: postgres.db, queues: openQueues(store.redis, store), log: quietLog }
}
beforeEach(openEmpty)
afterEach(() => store.close())

/** These users' jobs are in the shards 0, 1 and 10. */
const users = ['quin', 'una', 'ben']
const firstMs = Date.parse('2026-01-01T00:00:00Z')

function refOf(userId: string, search: string): JobRef {
  return { id: makeJobId(shardOfUser(userId, store.shards), uuidV7()), userId, search }
}

async function moveTo(state: JobState, ref: JobRef, store: JobStore): Promise<void> {
  if (state === 'running' || state === 'complete') await startJob(delivery(ref), store)
  const ending = { state: 'complete', message: null, stack: null } as const
  if (state === 'complete')
    await writeRun(
      ref,
      { attempt: 1, n: 1, events: [], progress: null, ending, attemptOver: false },
      store,
    )
  if (state === 'error' || state === 'cancelled')
    await endJob(await jobIn(store, ref.id), { state, message: 'why' }, store)
}

/** The ids of a list, read page by page. */
async function pagesOf(
  filter: JobFilter,
  afterPage: (n: number) => Promise<void> = async () => {},
): Promise<string[]> {
  const listed: string[] = []
  let before: JobSummary | undefined
  for (let n = 0; n < 1_000; n++) {
    const { jobs, more } = await listJobs({ ...filter, before }, deps)
    expect(jobs.length).toBeLessThanOrEqual(filter.limit)
    listed.push(...jobs.map(({ id }) => id))
    if (!more) return listed
    before = jobs.at(-1)
    await afterPage(n)
  }
  throw new Error('The pages do not end')
}

interface Planned {
  userId: string
  search: string
  state: JobState
  /** In ms since the first one; several jobs may share it. */
  createdMs: number
  archived: boolean
}
const planned: fc.Arbitrary<Planned> = fc.record({
  userId: fc.constantFrom(...users),
  search: fc.constantFrom('a', 'b'),
  state: fc.constantFrom(...jobStates),
  createdMs: fc.integer({ min: 0, max: 6 }),
  archived: fc.boolean(),
})
const filters = fc.record(
  {
    userId: fc.constantFrom(...users, 'nobody'),
    state: fc.constantFrom(...jobStates),
    search: fc.constantFrom('a', 'b', 'c'),
  },
  { requiredKeys: [] },
)
const happenings = fc.array(fc.constantFrom('nothing', 'an ending', 'archiving'), { maxLength: 8 })

/** Creates the job and brings it to its state. Undefined if its user has a live one of its type. */
async function make({ userId, search, state, createdMs }: Planned): Promise<JobRef | undefined> {
  const ref = refOf(userId, search)
  try {
    await newJob(store, ref, { createdAt: new Date(firstMs + createdMs) })
  } catch (error) {
    if (error instanceof AlreadyRunning) return undefined
    throw error
  }
  await moveTo(state, ref, store)
  return ref
}

test('pages of any list end, and hold each job that fits once, newest first', async () => {
  const property = fc.asyncProperty(
    fc.array(planned, { maxLength: 25 }),
    filters,
    fc.integer({ min: 1, max: 8 }),
    happenings,
    async (plans, filter, limit, betweenPages) => {
      store.close()
      await openEmpty()
      const early = plans.filter((plan) => plan.archived && !isLive(plan.state))
      const late = plans.filter((plan) => !early.includes(plan))
      const refs: JobRef[] = []
      const makeAll = async (some: Planned[]) => {
        for (const plan of some) refs.push(...[(await make(plan)) ?? []].flat())
      }
      await makeAll(early)
      const jobs: JobSummary[] = []
      for (const { id } of refs) jobs.push(await jobIn(store, id))
      await archiveEnded(deps)
      await makeAll(late)
      for (const { id } of refs.slice(jobs.length)) jobs.push(await jobIn(store, id))
      const wanted = jobs
        .filter((job) => fits(job, filter))
        .filter(({ userId }) => filter.userId === undefined || userId === filter.userId)
        .sort(newestFirst)
        .map(({ id }) => id)

      const live = jobs.filter(({ state }) => isLive(state))
      const listed = await pagesOf({ ...filter, limit }, async (n) => {
        const happening = betweenPages[n]
        // In a list of one state, an ending changes which jobs fit.
        const ending = filter.state === undefined && happening === 'an ending' && live.pop()
        if (ending) await moveTo('cancelled', ending, store)
        if (happening === 'archiving') await archiveEnded(deps)
      })
      expect(listed).toEqual(wanted)
    },
  )
  await fc.assert(property, { numRuns: 60 })
})

test('jobs that start, end and are archived during the reading are listed once', async () => {
  const refs: JobRef[] = []
  for (let i = 0; i < 80; i++) {
    const ref = refOf(`user-${i}`, 'a')
    await newJob(store, ref, { createdAt: new Date(firstMs + i) })
    refs.unshift(ref)
  }
  const wanted = refs.map(({ id }) => id)
  let over = false
  const churn = (async () => {
    for (const [i, ref] of refs.entries()) {
      await moveTo('complete', ref, store)
      if (i % 5 === 0) await archiveEnded(deps)
    }
    await archiveEnded(deps)
    over = true
  })()
  let passes = 0
  for (; !over; passes++) expect(await pagesOf({ limit: 7 })).toEqual(wanted)
  await churn
  expect(passes).toBeGreaterThan(1)
  expect(await pagesOf({ limit: 7 })).toEqual(wanted)
})

test('jobs that stop fitting during the reading do not end the list', async () => {
  const refs: JobRef[] = []
  for (let i = 0; i < 400; i++) {
    const ref = refOf(`user-${i}`, 'a')
    await newJob(store, ref, { createdAt: new Date(firstMs + i) })
    refs.push(ref)
  }
  const stay = refs.slice(0, 100).map(({ id }) => id)
  let over = false
  const starts = (async () => {
    for (const ref of refs.slice(100).reverse()) await moveTo('running', ref, store)
    over = true
  })()
  while (!over) {
    const listed = new Set(await pagesOf({ state: 'new', limit: 10 }))
    expect(stay.filter((id) => !listed.has(id))).toEqual([])
  }
  await starts
})

/** Users whose jobs are all in the same shard. */
function usersOfOneShard(count: number): string[] {
  const found: string[] = []
  for (let i = 0; found.length < count; i++)
    if (shardOfUser(`user-${i}`, store.shards) === 0) found.push(`user-${i}`)
  return found
}

test('a job that more than a slice of others precedes is found', async () => {
  const at = new Date(firstMs)
  const [owner = '', ...others] = usersOfOneShard(801)
  const first = refOf(owner, 'rare')
  await newJob(store, first, { createdAt: at })
  // All of the same millisecond, in which a slice ends.
  await Promise.all(others.map((user) => newJob(store, refOf(user, 'a'), { createdAt: at })))
  expect(await pagesOf({ search: 'rare', limit: 10 })).toEqual([first.id])
  const all = await pagesOf({ limit: 200 })
  expect(new Set(all).size).toBe(801)
  expect(all).toHaveLength(801)
})

test('many ended jobs that wait for the archive are listed by creation', async () => {
  const refs = usersOfOneShard(700).map((user) => refOf(user, 'a'))
  const oldestFirst = refs.map((_, i) => refs[(i * 37) % refs.length] ?? refOf('', ''))
  await Promise.all(
    oldestFirst.map((ref, i) => newJob(store, ref, { createdAt: new Date(firstMs + i) })),
  )
  await Promise.all(refs.map((ref) => moveTo('cancelled', ref, store)))
  const wanted = oldestFirst.map(({ id }) => id).reverse()
  expect(await pagesOf({ limit: 100 })).toEqual(wanted)
  expect(await pagesOf({ state: 'cancelled', search: 'a', limit: 100 })).toEqual(wanted)
})

test('archived jobs of one millisecond are ordered by the bytes of their ids', async () => {
  const refs = users.map((user) => refOf(user, 'a'))
  for (const ref of refs) {
    await newJob(store, ref, { createdAt: new Date(firstMs) })
    await moveTo('cancelled', ref, store)
  }
  const wanted = await pagesOf({ limit: 1 })
  expect(wanted.map((id) => id.split('-')[0])).toEqual(['10', '1', '0'])
  await archiveEnded(deps)
  expect(await pagesOf({ limit: 1 })).toEqual(wanted)
})

test('a cursor of another precision than jobs have is understood', async () => {
  const ref = refOf('ann', 'a')
  await newJob(store, ref, { createdAt: new Date(firstMs) })
  const before = (createdAt: string) => ({ createdAt, id: '' })
  for (const live of [true, false]) {
    if (!live) await moveTo('cancelled', ref, store)
    if (!live) await archiveEnded(deps)
    const list = async (createdAt: string) =>
      (await listJobs({ before: before(createdAt), limit: 1 }, deps)).jobs.length
    expect(await list('2026-01-01T00:00:01Z')).toBe(1)
    expect(await list('2026-01-01T00:00:00.001999Z')).toBe(1)
    expect(await list('2026-01-01T00:00:00Z')).toBe(0)
    expect(await list('2026-01-01T01:00:00+01:00')).toBe(0)
  }
})

/** Archives 30,000 jobs of which the oldest 9,000 are of one user and a type no longer in use. */
async function archiveMany(): Promise<void> {
  await postgres.db.execute(sql`
    insert into archived_jobs (id, user_id, search, input, brief, state, message, row_count,
      attempt, epoch, seq, created_at, started_at, finished_at)
    select '0-' || i, case when i <= 9000 then 'left' else 'user-' || i % 100 end,
      case when i <= 9000 then 'retired' else 'type-' || i % 4 end, '{}', '{}',
      case when i % 40 = 7 then 'error' else 'complete' end, 'why', 0, 1, 'e', 1, at, at, at
    from (select i, timestamptz '2026-01-01' + i * interval '1 min' as at
      from generate_series(1, 30000) i) jobs`)
  await postgres.db.execute(sql`analyze archived_jobs`)
}

test('no list reads many more archived jobs than a page holds', async () => {
  await archiveMany()
  const { db } = postgres
  const limit = 20
  /** Counted by this connection: it includes what the server has not been told yet. */
  const countRows = async () => {
    const { rows } = await db.execute<{ count: number }>(sql`
      select (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as count
      from pg_stat_xact_user_tables where relname = 'archived_jobs'`)
    return rows[0]?.count ?? 0
  }
  const rowsRead = async (filter: Omit<JobFilter, 'limit'>): Promise<number> => {
    await db.execute(sql`begin`)
    const before = await countRows()
    await listArchivedJobs({ ...filter, limit }, db)
    const rows = (await countRows()) - before
    await db.execute(sql`commit`)
    return rows
  }
  for (const userId of [undefined, 'left', 'user-1', 'nobody'])
    for (const state of [undefined, ...jobStates])
      for (const search of [undefined, 'retired', 'type-1', 'unused'])
        for (const day of [undefined, '10', '02']) {
          const before = day ? { createdAt: `2026-01-${day}T00:00:00.000Z`, id: '' } : undefined
          // Jobs are sorted in groups of at least 32, one for each of three endings.
          expect
            .soft(
              await rowsRead({ userId, state, search, before }),
              `${userId} ${state} ${search} ${day}`,
            )
            .toBeLessThanOrEqual(3 * (limit + 32))
        }
})
