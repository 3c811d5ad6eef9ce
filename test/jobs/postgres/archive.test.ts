import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Job, JobInput, type JobSummary } from '#jobs/job.ts'
import { archiveJobs, archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { deleteArchivedJob, deleteExpired } from '#jobs/postgres/delete-archived.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import {
  listArchivedJobs,
  piecesOfPage,
  readArchivedJob,
  readArchivedRows,
  readArchivedStack,
  readArchivedTimeline,
} from '#jobs/postgres/read-archive.ts'
import { createDatabase } from '../../services.ts'

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

const at = '2026-01-02T03:04:05.678Z'
type Complete = Extract<Job, { state: 'complete' }>
function endedJob(more: Partial<Complete> = {}): Complete {
  return {
    id: `0-${uuidV7()}`,
    userId: `user-${uuid()}`,
    search: 'linking-domains',
    input: JobInput.parse({ zebra: 1, apple: 'two' }),
    progress: { phase: 'Reading', done: 3, total: null, unit: 'pages' },
    rowCount: 0,
    attempt: 1,
    epoch: 'e',
    seq: 9,
    createdAt: at,
    startedAt: at,
    finishedAt: at,
    state: 'complete',
    message: null,
    ...more,
  }
}

const state = (seq: number, name: string, attempt = 1) => ({
  seq,
  type: 'state',
  data: JSON.stringify({ at, state: name, attempt }),
})
const rows = (seq: number, from: number, count: number, attempt = 1) => ({
  seq,
  type: 'rows',
  data: JSON.stringify({
    at,
    attempt,
    from,
    rows: Array.from({ length: count }, (_, i) => ({ n: from + i, attempt })),
  }),
})

type Event = { seq: number; type: string; data: string }

/** Archives a job. */
async function archive(job: Job, events: Event[], stack: string | null = null): Promise<void> {
  await archiveJobs([toArchive(job, events, stack)], postgres.db)
}

/** The log comes in parts of three events, as it comes from Redis in parts. */
const toArchive = (job: Job, events: Event[], stack: string | null = null) => ({
  job,
  brief: job.input,
  stack,
  async *log() {
    for (let i = 0; i < events.length; i += 3) yield events.slice(i, i + 3)
  },
})

describe('the archive', () => {
  test('keeps a job as it ended, with its last attempt’s rows and the whole timeline', async () => {
    const job = endedJob({ rowCount: 5, attempt: 2 })
    const events = [
      state(1, 'new', 0),
      state(2, 'running'),
      rows(3, 0, 2),
      state(4, 'running', 2),
      rows(5, 0, 3, 2),
      rows(6, 3, 2, 2),
      state(7, 'complete', 2),
    ]
    await archive(job, events)
    expect(await readArchivedJob(job.id, postgres.db)).toEqual(job)
    const found = await readArchivedRows(job.id, { from: 0, limit: 100 }, postgres.db)
    expect(found).toEqual([0, 1, 2, 3, 4].map((n) => ({ n, attempt: 2 })))
    expect((await readArchivedTimeline(job.id, postgres.db)).map(({ seq }) => seq)).toEqual([
      1, 2, 4, 7,
    ])
  })

  test('keeps the order of keys in an input', async () => {
    const job = endedJob()
    await archive(job, [state(1, 'complete')])
    expect(Object.keys((await readArchivedJob(job.id, postgres.db))?.input ?? {})).toEqual([
      'zebra',
      'apple',
    ])
  })

  test('reads any page of rows across the pieces that hold them', async () => {
    const job = endedJob({ rowCount: 1_000 })
    const pieces = Array.from({ length: 100 }, (_, i) => rows(i + 1, i * 10, 10))
    await archive(job, pieces)
    for (const [from, limit] of [
      [0, 1],
      [5, 10],
      [10, 10],
      [995, 100],
      [1_000, 10],
      [123, 456],
    ] as const) {
      const expected = Array.from(
        { length: Math.max(0, Math.min(limit, 1_000 - from)) },
        (_, i) => from + i,
      )
      expect(
        (await readArchivedRows(job.id, { from, limit }, postgres.db)).map((row) => row.n),
      ).toEqual(expected)
    }
  })

  test('stores a job once, even with several archivers at the same time', async () => {
    const job = endedJob({ rowCount: 3 })
    const events = [state(1, 'running'), rows(2, 0, 3), state(3, 'complete')]
    await Promise.all(Array.from({ length: 8 }, () => archive(job, events)))
    expect(await readArchivedRows(job.id, { from: 0, limit: 10 }, postgres.db)).toHaveLength(3)
  })

  test('never restores a deleted job', async () => {
    const job = endedJob({ rowCount: 3 })
    const events = [rows(1, 0, 3), state(2, 'complete')]
    await archive(job, events)
    await Promise.all([deleteArchivedJob(job.id, new Date(), postgres.db), archive(job, events)])
    await archive(job, events)
    expect(await readArchivedJob(job.id, postgres.db)).toBeNull()
    expect(await readArchivedRows(job.id, { from: 0, limit: 10 }, postgres.db)).toEqual([])
  })

  test('archives many jobs in one call, each with its own rows and timeline', async () => {
    const jobs = Array.from({ length: 30 }, (_, i) => endedJob({ rowCount: i }))
    await archiveJobs(
      jobs.map((job, i) =>
        toArchive(job, [state(1, 'running'), rows(2, 0, i), state(3, 'complete')]),
      ),
      postgres.db,
    )
    for (const [i, job] of jobs.entries()) {
      expect(await readArchivedJob(job.id, postgres.db)).toEqual(job)
      expect(await readArchivedRows(job.id, { from: 0, limit: 100 }, postgres.db)).toHaveLength(i)
      expect(await readArchivedTimeline(job.id, postgres.db)).toHaveLength(2)
    }
  })

  test('reads a page deep in 100,000 rows without reading the rows before it', async () => {
    const job = endedJob({ rowCount: 100_000 })
    const events = Array.from({ length: 1_000 }, (_, i) => rows(i + 1, i * 100, 100))
    await archive(job, events)
    const found = await readArchivedRows(job.id, { from: 99_123, limit: 250 }, postgres.db)
    expect(found.map((row) => row.n)).toEqual(Array.from({ length: 250 }, (_, i) => 99_123 + i))
    expect(await piecesReadFor(job.id, 99_123)).toBeLessThan(20)
  })

  test('keeps the stack of an error, and a message with a lone surrogate', async () => {
    const job: Job = { ...endedJob(), state: 'error', message: 'Broken “page”\ud83d' }
    await archive(job, [state(1, 'error')], 'Error: at line 1')
    expect(await readArchivedStack(job.id, postgres.db)).toBe('Error: at line 1')
    expect(await readArchivedStack('0-none', postgres.db)).toBeNull()
    expect((await readArchivedJob(job.id, postgres.db))?.message).toContain('Broken “page”')
  })

  test('keeps rows and notes that hold NUL characters', async () => {
    const job = endedJob({ rowCount: 1 })
    const row = {
      seq: 1,
      type: 'rows',
      data: JSON.stringify({ at, attempt: 1, from: 0, rows: [{ n: 'a\0b' }] }),
    }
    const note = { seq: 2, type: 'note', data: JSON.stringify({ at, attempt: 1, text: 'a\0b' }) }
    await archive(job, [row, note, state(3, 'complete')])
    expect(await readArchivedRows(job.id, { from: 0, limit: 1 }, postgres.db)).toEqual([
      { n: 'a\0b' },
    ])
  })

  test('exactly one of several simultaneous deletions returns true', async () => {
    const job = endedJob()
    await archive(job, [state(1, 'complete')])
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => deleteArchivedJob(job.id, new Date(), postgres.db)),
    )
    expect(answers.filter(Boolean)).toHaveLength(1)
  })

  test('deletes expired jobs with their rows, oldest first, up to the limit per call', async () => {
    const old = Array.from({ length: 5 }, (_, i) => ({
      ...endedJob({ rowCount: 3 }),
      finishedAt: `2020-01-0${i + 1}T00:00:00.000Z`,
    }))
    const young = endedJob({ rowCount: 3 })
    for (const job of [...old, young]) await archive(job, [rows(1, 0, 3), state(2, 'complete')])
    const retention = {
      endedBefore: new Date('2020-06-01'),
      deletedBefore: new Date('2020-01-01'),
      limit: 3,
    }
    expect((await deleteExpired(retention, postgres.db)).map(({ id }) => id).sort()).toEqual(
      old
        .slice(0, 3)
        .map(({ id }) => id)
        .sort(),
    )
    expect(await deleteExpired(retention, postgres.db)).toHaveLength(2)
    expect(await deleteExpired(retention, postgres.db)).toEqual([])
    for (const { id } of old)
      expect(await readArchivedRows(id, { from: 0, limit: 10 }, postgres.db)).toEqual([])
    expect(await readArchivedRows(young.id, { from: 0, limit: 10 }, postgres.db)).toHaveLength(3)
  })

  test('keeps nothing of a job that could not be archived completely', async () => {
    const job = endedJob({ rowCount: 3 })
    const broken = { seq: 2, type: 'rows', data: '{"not": "rows"}' }
    await expect(archive(job, [state(1, 'running'), broken])).rejects.toThrow()
    expect(await readArchivedJob(job.id, postgres.db)).toBeNull()
  })

  test('lists jobs newest first, in pages, filtered by user and type', async () => {
    const userId = `user-${uuid()}`
    const jobs = Array.from({ length: 7 }, (_, i) =>
      endedJob({ userId, createdAt: `2026-01-0${i + 1}T00:00:00.000Z` }),
    )
    const other = endedJob({ userId, search: 'keywords', createdAt: '2026-01-09T00:00:00.000Z' })
    for (const job of [...jobs, other]) await archive(job, [state(1, 'complete')])
    const seen: string[] = []
    let before: JobSummary | undefined
    do {
      const page = await listArchivedJobs(
        { userId, search: 'linking-domains', before, limit: 3 },
        postgres.db,
      )
      seen.push(...page.map(({ id }) => id))
      before = page.at(-1)
    } while (before)
    expect(seen).toEqual(jobs.map(({ id }) => id).reverse())
  })
})

/** The number of pieces that PostgreSQL reads for a page. */
async function piecesReadFor(jobId: string, from: number): Promise<number> {
  const { sql, params } = piecesOfPage(jobId, { from, limit: 250 }, postgres.db).toSQL()
  const { rows: answer } = await postgres.pool.query(
    `explain (analyze, format json) ${sql}`,
    params,
  )
  const scans = [
    ...JSON.stringify(answer).matchAll(/"Actual Rows":(\d+)|"Rows Removed by Filter":(\d+)/g),
  ]
  return scans.reduce((sum, [, read, removed]) => sum + Number(read ?? removed), 0)
}
