import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Job } from '#jobs/job.ts'
import {
  archiveJob,
  archiveMigrations,
  deleteArchivedJob,
  listArchivedJobs,
  readArchivedJob,
  readArchivedRows,
  readArchivedTimeline,
} from '#jobs/postgres/archive.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
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
function endedJob(
  more: Partial<{ userId: string; createdAt: string; rowCount: number; attempt: number; search: string }> = {},
): Job {
  return {
    id: `0-${uuidV7()}`,
    userId: `user-${uuid()}`,
    search: 'linking-domains',
    input: { zebra: 1, apple: 'two' },
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
  data: JSON.stringify({ at, attempt, from, rows: Array.from({ length: count }, (_, i) => ({ n: from + i, attempt })) }),
})

describe('the archive', () => {
  test('gives a job back as it ended, with the rows of its last attempt and the timeline of all', async () => {
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
    await archiveJob(job, job.input, events, postgres.db)
    expect(await readArchivedJob(job.id, postgres.db)).toEqual(job)
    const found = await readArchivedRows(job.id, { from: 0, limit: 100 }, postgres.db)
    expect(found).toEqual([0, 1, 2, 3, 4].map((n) => ({ n, attempt: 2 })))
    expect((await readArchivedTimeline(job.id, postgres.db)).map(({ seq }) => seq)).toEqual([1, 2, 4, 7])
  })

  test('keeps the order of the keys of an input', async () => {
    const job = endedJob()
    await archiveJob(job, job.input, [state(1, 'complete')], postgres.db)
    expect(Object.keys((await readArchivedJob(job.id, postgres.db))?.input ?? {})).toEqual(['zebra', 'apple'])
  })

  test('reads any page of rows, whatever pieces they came in', async () => {
    const job = endedJob({ rowCount: 1_000 })
    const pieces = Array.from({ length: 100 }, (_, i) => rows(i + 1, i * 10, 10))
    await archiveJob(job, job.input, pieces, postgres.db)
    for (const [from, limit] of [
      [0, 1],
      [5, 10],
      [10, 10],
      [995, 100],
      [1_000, 10],
      [123, 456],
    ] as const) {
      const expected = Array.from({ length: Math.max(0, Math.min(limit, 1_000 - from)) }, (_, i) => from + i)
      expect((await readArchivedRows(job.id, { from, limit }, postgres.db)).map((row) => row.n)).toEqual(expected)
    }
  })

  test('holds a job once, however many archivers are at it', async () => {
    const job = endedJob({ rowCount: 3 })
    const events = [state(1, 'running'), rows(2, 0, 3), state(3, 'complete')]
    await Promise.all(Array.from({ length: 8 }, () => archiveJob(job, job.input, events, postgres.db)))
    expect(await readArchivedRows(job.id, { from: 0, limit: 10 }, postgres.db)).toHaveLength(3)
  })

  test('takes no deleted job back', async () => {
    const job = endedJob({ rowCount: 3 })
    const events = [rows(1, 0, 3), state(2, 'complete')]
    await archiveJob(job, job.input, events, postgres.db)
    await Promise.all([deleteArchivedJob(job.id, new Date(), postgres.db), archiveJob(job, job.input, events, postgres.db)])
    await archiveJob(job, job.input, events, postgres.db)
    expect(await readArchivedJob(job.id, postgres.db)).toBeNull()
    expect(await readArchivedRows(job.id, { from: 0, limit: 10 }, postgres.db)).toEqual([])
  })

  test('leaves nothing of a job that could not be copied whole', async () => {
    const job = endedJob({ rowCount: 3 })
    const broken = { seq: 2, type: 'rows', data: '{"not": "rows"}' }
    await expect(archiveJob(job, job.input, [state(1, 'running'), broken], postgres.db)).rejects.toThrow()
    expect(await readArchivedJob(job.id, postgres.db)).toBeNull()
  })

  test('lists newest first, page after page, by user and type', async () => {
    const userId = `user-${uuid()}`
    const jobs = Array.from({ length: 7 }, (_, i) => endedJob({ userId, createdAt: `2026-01-0${i + 1}T00:00:00.000Z` }))
    const other = endedJob({ userId, search: 'keywords', createdAt: '2026-01-09T00:00:00.000Z' })
    for (const job of [...jobs, other]) await archiveJob(job, job.input, [state(1, 'complete')], postgres.db)
    const seen: string[] = []
    let before: Job | undefined
    do {
      const page = await listArchivedJobs({ userId, search: 'linking-domains', before, limit: 3 }, postgres.db)
      seen.push(...page.map(({ id }) => id))
      before = page.at(-1)
    } while (before)
    expect(seen).toEqual(jobs.map(({ id }) => id).reverse())
  })
})
