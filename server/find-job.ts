import type { Job } from '#jobs/job.ts'
import type { Position } from '#jobs/position.ts'
import { endIfLost } from '#jobs/postgres/end-lost.ts'
import type { JobPlaces } from '#jobs/postgres/find-rows.ts'
import {
  readArchivedJob,
  readArchivedStack,
  readArchivedTimeline,
} from '#jobs/postgres/read-archive.ts'
import { type JobReading, readJob, readLog, readStack } from '#jobs/redis/read-job.ts'
import type { TimelineEntry } from '#jobs/timeline.ts'
import { timelineEntry } from '#jobs/timeline.ts'

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
