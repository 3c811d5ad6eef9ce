import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { v7 as uuidV7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AlreadyRunning } from '#jobs/errors.ts'
import { fits } from '#jobs/feed-filter.ts'
import { type JobState, type JobSummary, jobStates } from '#jobs/job.ts'
import { newestFirst } from '#jobs/newest-first.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { startJob } from '#jobs/redis/attempt.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { openQueues } from '#jobs/redis/queue.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { listJobs } from '#server/list-jobs.ts'
import { archiveEnded } from '#workers/archive-ended.ts'
import { delivery, jobIn, newJob, openStore } from '../jobs/job-fixture.ts'
import { quietLog } from '../quiet-log.ts'
import { createDatabase } from '../services.ts'

let postgres: Postgres
let drop: () => Promise<void>
beforeAll(async () => {
  const database = await createDatabase()
  drop = database.drop
  await migrateDatabase(database.url, archiveMigrations)
  postgres = connectPostgres(database.url)
})
afterAll(async () => {
  await postgres.close()
  await drop()
})

interface Planned {
  userId: string
  search: string
  state: Exclude<JobState, 'complete'>
  /** In ms since the first one; several jobs may share it. */
  createdMs: number
  archived: boolean
}
const planned: fc.Arbitrary<Planned> = fc.record({
  userId: fc.constantFrom('ann', 'ben', 'cleo'),
  search: fc.constantFrom('a', 'b'),
  state: fc.constantFrom('new', 'running', 'error', 'cancelled'),
  createdMs: fc.integer({ min: 0, max: 12 }),
  archived: fc.boolean(),
})
const filters = fc.record(
  {
    userId: fc.constantFrom('ann', 'ben'),
    state: fc.constantFrom(...jobStates),
    search: fc.constantFrom('a', 'b', 'c'),
  },
  { requiredKeys: [] },
)

const firstMs = Date.parse('2026-01-01T00:00:00Z')

/** Creates the job and brings it to its state. Undefined if its user has a live one of its type. */
async function make(plan: Planned, store: JobStore): Promise<string | undefined> {
  const { userId, search, state, createdMs } = plan
  const ref = { id: `0-${uuidV7()}`, userId, search }
  try {
    await newJob(store, ref, { createdAt: new Date(firstMs + createdMs) })
  } catch (error) {
    if (error instanceof AlreadyRunning) return undefined
    throw error
  }
  if (state === 'running') await startJob(delivery(ref), store)
  if (state === 'error' || state === 'cancelled')
    await endJob(await jobIn(store, ref.id), { state, message: 'why' }, store)
  return ref.id
}

test('pages of any list end, and hold each job that fits once, newest first', async () => {
  const property = fc.asyncProperty(
    fc.array(planned, { maxLength: 25 }),
    filters,
    fc.integer({ min: 1, max: 8 }),
    fc.boolean(),
    async (plans, filter, limit, archiveBetweenPages) => {
      const store = await openStore()
      const deps = {
        store,
        db: postgres.db,
        queues: openQueues(store.redis, store),
        log: quietLog,
      }
      try {
        await postgres.db.execute(sql`delete from archived_jobs`)
        const ended = (plan: Planned) => plan.state === 'error' || plan.state === 'cancelled'
        const early = plans.filter((plan) => plan.archived && ended(plan))
        const late = plans.filter((plan) => !early.includes(plan))
        const ids: string[] = []
        for (const plan of early) ids.push((await make(plan, store)) ?? '')
        await archiveEnded(deps)
        for (const plan of late) ids.push((await make(plan, store)) ?? '')
        const jobs: JobSummary[] = []
        for (const id of ids) if (id !== '') jobs.push(await jobIn(store, id))
        const wanted = jobs
          .filter((job) => fits(job, filter))
          .filter(({ userId }) => filter.userId === undefined || userId === filter.userId)
          .sort(newestFirst)
          .map(({ id }) => id)

        const listed: string[] = []
        let before: JobSummary | undefined
        for (let pages = 0; pages <= plans.length; pages++) {
          const page = await listJobs({ ...filter, before, limit }, deps)
          listed.push(...page.jobs.map(({ id }) => id))
          expect(page.jobs.length).toBeLessThanOrEqual(limit)
          before = page.jobs.at(-1)
          if (archiveBetweenPages && pages === 0) await archiveEnded(deps)
          if (!page.more) break
        }
        expect(listed).toEqual(wanted)
      } finally {
        store.close()
      }
    },
  )
  await fc.assert(property, { numRuns: 60 })
})

test('a job that more than a slice of others precedes is found', async () => {
  const store = await openStore()
  try {
    await postgres.db.execute(sql`delete from archived_jobs`)
    const deps = { store, db: postgres.db }
    const at = new Date(firstMs)
    const first = { id: `0-${uuidV7()}`, userId: 'first', search: 'rare' }
    await newJob(store, first, { createdAt: at })
    // All of the same millisecond, in which a slice ends.
    await Promise.all(
      Array.from({ length: 1_100 }, (_, i) =>
        newJob(store, { id: `0-${uuidV7()}`, userId: `user-${i}`, search: 'a' }, { createdAt: at }),
      ),
    )
    const rare = await listJobs({ search: 'rare', limit: 10 }, deps)
    expect(rare.jobs.map(({ id }) => id)).toEqual([first.id])
    const all: string[] = []
    let before: JobSummary | undefined
    do {
      const { jobs } = await listJobs({ before, limit: 200 }, deps)
      all.push(...jobs.map(({ id }) => id))
      before = jobs.at(-1)
    } while (before)
    expect(new Set(all).size).toBe(1_101)
    expect(all).toHaveLength(1_101)
  } finally {
    store.close()
  }
})
