import type { Row } from '#jobs/define-search.ts'
import type { Job } from '#jobs/job.ts'
import type { Position } from '#jobs/position.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import { endIfLost } from '#jobs/postgres/end-lost.ts'
import {
  readArchivedJob,
  readArchivedRows,
  readArchivedStack,
  readArchivedTimeline,
} from '#jobs/postgres/read-archive.ts'
import { type JobReading, readJob, readLog, readRows, readStack } from '#jobs/redis/read-job.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import type { RowsPage } from '#jobs/rows-page.ts'
import type { TimelineEntry } from '#jobs/timeline.ts'
import { timelineEntry } from '#jobs/timeline.ts'

export interface JobPlaces {
  store: JobStore
  db: Database
}

/** Users see their own jobs, admins see all. */
export interface Viewer {
  userId: string
  role: 'admin' | 'user'
}

export function maySee(job: Job, viewer: Viewer): boolean {
  return viewer.role === 'admin' || job.userId === viewer.userId
}

/**
 * A job, live or archived, and its events since a position. Reads Redis first: a job is removed
 * from Redis only after the archive has it, so one of the two always has it. An archived job has no
 * events to replay.
 */
export async function findReading(
  id: string,
  since: Position | null,
  { store, db }: JobPlaces,
): Promise<JobReading | null> {
  const reading = await readJob(id, since, store)
  if (reading) return reading
  const job = (await readArchivedJob(id, db)) ?? (await readLostJob(id, { store, db }))
  if (!job) return null
  return since?.epoch === job.epoch && since.seq === job.seq
    ? { mode: 'replay', job, events: [] }
    : { mode: 'snapshot', job }
}

/** A job that was accepted but is nowhere: Redis has lost its data. Looking for it ends it. */
async function readLostJob(id: string, { store, db }: JobPlaces): Promise<Job | null> {
  return (await endIfLost(id, { store, db })) ? readArchivedJob(id, db) : null
}

/** @returns null if the job doesn't exist or the viewer may not see it. */
export async function findJob(id: string, viewer: Viewer, places: JobPlaces): Promise<Job | null> {
  const reading = await findReading(id, null, places)
  return reading && maySee(reading.job, viewer) ? reading.job : null
}

/** A page of a job's rows. */
export async function findRows(
  job: Job,
  page: { from: number; limit: number },
  { store, db }: JobPlaces,
): Promise<RowsPage> {
  const live = await readRows(job.id, page, store)
  if (live) return live
  return {
    attempt: job.attempt,
    from: page.from,
    rows: await readArchivedRows(job.id, page, db),
    rowCount: job.rowCount,
  }
}

const rowsPerPage = 1_000

/** All rows of a job in order, page by page. Ends early if a new attempt begins meanwhile. */
export async function* allRows(job: Job, places: JobPlaces): AsyncGenerator<Row[]> {
  for (let from = 0; ; ) {
    const page = await findRows(job, { from, limit: rowsPerPage }, places)
    if (page.rows.length === 0 || page.attempt !== job.attempt) return
    yield page.rows
    from += page.rows.length
  }
}

/** The stack trace of a job's error, for admins; null if there is none. */
export async function findStack(id: string, { store, db }: JobPlaces): Promise<string | null> {
  return (await readStack(id, store)) ?? readArchivedStack(id, db)
}

/** The states and notes of all attempts, in order. */
export async function findTimeline(job: Job, { store, db }: JobPlaces): Promise<TimelineEntry[]> {
  const log = await readLog(job.id, store)
  if (!log) return readArchivedTimeline(job.id, db)
  return log.flatMap(
    ({ seq, type, data }) => timelineEntry({ seq, type, data: JSON.parse(data) }) ?? [],
  )
}
