import { chmod, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { v4 as uuid } from 'uuid'
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest'
import { JobInput } from '#jobs/job.ts'
import { acceptedAfter, readAccepted } from '#jobs/postgres/accepted-jobs.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { ensurePostgres, stopPostgres } from '#local/services/postgres.ts'
import type { Service } from '#local/services/service.ts'
import { AcceptedNotes } from '#server/accepted-notes.ts'
import { startSearch } from '#server/start-search.ts'
import { jobIn, newRef, openStore, roomy } from '../jobs/job-fixture.ts'

/** A PostgreSQL of its own, which the tests stop. */
let dataDir: string
let service: Service
let postgres: Postgres
let store: JobStore & { close(): void }
const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() }

beforeAll(async () => {
  dataDir = await mkdtemp(join(inject('runDir'), 'notes-'))
  await chmod(dataDir, 0o711)
  service = await ensurePostgres({ dataDir, durable: false })
  await migrateDatabase(service.url, archiveMigrations)
  postgres = connectPostgres(service.url, {
    limits: { connectionMs: 2_000, queryMs: 3_500 },
  })
  store = await openStore()
})
afterAll(async () => {
  store.close()
  await postgres.close()
  await stopPostgres(service)
})
beforeEach(async () => {
  await postgres.pool.query('truncate accepted_jobs')
  for (const line of Object.values(log)) line.mockClear()
})

const openNotes = () => new AcceptedNotes({ db: postgres.db, log })
const noted = () => acceptedAfter('', 1_000, postgres.db)
const noteOf = (input: object = {}, userId = `user-${uuid()}`) => {
  const parsed = JobInput.parse(input)
  return { ...newRef('keywords', userId), input: parsed, brief: parsed, acceptedAt: new Date() }
}
const start = (accepted: AcceptedNotes, input: object) =>
  startSearch(
    { userId: `user-${uuid()}`, search: { name: 'keywords' }, input: JobInput.parse(input) },
    { store, accepted, waitingLimits: roomy, now: () => new Date(), log },
  )

/** Runs the callback while the database is down. */
async function duringOutage<Result>(work: () => Promise<Result>): Promise<Result> {
  await stopPostgres(service)
  try {
    return await work()
  } finally {
    service = await ensurePostgres({ dataDir, durable: false, port: service.port })
  }
}

test('a start during an outage of the database succeeds, and is noted after it', async () => {
  const notes = openNotes()
  const { id } = await duringOutage(async () => {
    const started = await start(notes, { q: 'redis' })
    await vi.waitFor(() => expect(log.warn).toHaveBeenCalled(), { timeout: 60_000 })
    return started
  })
  const job = await jobIn(store, id)
  await expect.poll(() => noted().catch(() => [])).toEqual([id])
  expect(await readAccepted([id], postgres.db)).toMatchObject([
    { id, userId: job.userId, input: { q: 'redis' }, acceptedAt: new Date(job.createdAt) },
  ])
  await notes.close()
})

test('what waits during an outage is bounded, and how much was left out is logged', async () => {
  const notes = openNotes()
  const input = { q: 'x'.repeat(250 * 1024) }
  await duringOutage(async () => {
    for (let i = 0; i < 300; i++) notes.add(noteOf(input))
    await vi.waitFor(() => expect(log.warn).toHaveBeenCalled(), { timeout: 60_000 })
  })
  await vi.waitFor(() => expect(log.warn).toHaveBeenCalledTimes(2), { timeout: 60_000 })
  await notes.close()
  const starts = 300 - (await noted()).length
  expect(starts).toBeGreaterThan(0)
  expect(starts).toBeLessThan(100)
  expect(log.warn).toHaveBeenCalledWith({ starts }, expect.stringContaining('workers note those'))
})

test('a note that the database refuses does not keep the others from being written', async () => {
  const notes = openNotes()
  const good = Array.from({ length: 20 }, () => noteOf())
  const bad = noteOf({}, 'no\0text')
  for (const note of [...good.slice(0, 7), bad, ...good.slice(7)]) notes.add(note)
  await notes.close()
  expect(await noted()).toEqual(good.map(({ id }) => id).sort())
  expect(log.error).toHaveBeenCalledWith(
    expect.objectContaining({ job: bad.id }),
    expect.any(String),
  )
})

test('an input is noted as it was sent, with its order of keys, NUL and lone surrogates', async () => {
  const notes = openNotes()
  const note = noteOf({ zebra: 'a\0b', apple: '\ud83d', list: [1, { deep: null }] })
  notes.add(note)
  await notes.close()
  const [read] = await readAccepted([note.id], postgres.db)
  expect(read).toEqual(note)
  expect(Object.keys(read?.input ?? {})).toEqual(['zebra', 'apple', 'list'])
})
