import { fileURLToPath } from 'node:url'
import { and, asc, desc, eq, gt, lt, or, sql } from 'drizzle-orm'
import type { Row } from '../define-search.ts'
import { NoteEvent, RowsEvent, StateEvent } from '../events.ts'
import { Job, type JobState, type JobSummary } from '../job.ts'
import type { Database } from './connect.ts'
import type { Migrations } from './migrate.ts'
import { archivedJobs, archivedRows, archivedTimeline, deletedJobs } from './schema.ts'

export const archiveMigrations: Migrations = {
  folder: fileURLToPath(new URL('./migrations', import.meta.url)),
  table: 'archive_migrations',
}

/** A durable event as the log keeps it; `data` is JSON. */
interface LoggedEvent {
  seq: number
  type: string
  data: string
}

/** An archiver and a deleter of the same job wait for each other: neither may miss what the other has not committed yet. */
const oneAtATime = (id: string) => sql`select pg_advisory_xact_lock(hashtextextended(${id}, 1))`

/**
 * Copies an ended job with its rows and timeline, all or nothing. Doing it again changes nothing, and a deleted job stays deleted.
 * @param brief the input with its long values cut short
 */
export async function archiveJob(job: Job, brief: Job['input'], events: readonly LoggedEvent[], db: Database): Promise<void> {
  if (!job.finishedAt) throw new Error(`Job ${job.id} has not ended`)
  const { epoch, seq, id, userId, search, input, state, message, progress, rowCount, attempt } = job
  const row = { id, userId, search, input, brief, state, message, progress, rowCount, attempt, epoch, seq }
  const times = {
    createdAt: new Date(job.createdAt),
    startedAt: job.startedAt === null ? null : new Date(job.startedAt),
    finishedAt: new Date(job.finishedAt),
  }
  await db.transaction(async (tx) => {
    await tx.execute(oneAtATime(id))
    const [deleted] = await tx.select().from(deletedJobs).where(eq(deletedJobs.id, id))
    if (deleted) return
    const inserted = await tx
      .insert(archivedJobs)
      .values({ ...row, ...times })
      .onConflictDoNothing()
      .returning({ id: archivedJobs.id })
    if (inserted.length === 0) return
    for (const event of events) {
      const data = JSON.parse(event.data)
      if (event.type !== 'rows') {
        await tx.insert(archivedTimeline).values({ jobId: id, seq: event.seq, type: event.type, data })
        continue
      }
      const { attempt: attemptOfRows, from, rows } = RowsEvent.parse(data)
      if (attemptOfRows === attempt) await tx.insert(archivedRows).values({ jobId: id, from, count: rows.length, rows })
    }
  })
}

function jobOf(row: typeof archivedJobs.$inferSelect, input: Job['input']): Job {
  return Job.parse({
    ...row,
    input,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt.toISOString(),
  })
}

export async function readArchivedJob(id: string, db: Database): Promise<Job | null> {
  const [row] = await db.select().from(archivedJobs).where(eq(archivedJobs.id, id))
  return row ? jobOf(row, row.input) : null
}

/** Rows `from`, `from + 1`, …, at most `limit`. */
export async function readArchivedRows(
  id: string,
  { from, limit }: { from: number; limit: number },
  db: Database,
): Promise<Row[]> {
  const pieces = await db
    .select()
    .from(archivedRows)
    .where(
      and(
        eq(archivedRows.jobId, id),
        lt(archivedRows.from, from + limit),
        gt(sql`${archivedRows.from} + ${archivedRows.count}`, from),
        // Keyset: the piece that holds `from` is the last one that starts at or before it.
        sql`${archivedRows.from} >= coalesce((select max(${archivedRows.from}) from ${archivedRows} where ${archivedRows.jobId} = ${id} and ${archivedRows.from} <= ${from}), 0)`,
      ),
    )
    .orderBy(asc(archivedRows.from))
  const first = pieces[0]?.from ?? from
  return pieces.flatMap((piece) => RowsEvent.shape.rows.parse(piece.rows)).slice(from - first, from - first + limit)
}

export type TimelineEntry = { seq: number } & ({ type: 'state'; data: StateEvent } | { type: 'note'; data: NoteEvent })

/** A state or a note as it was logged; null for events that are no part of the timeline. */
export function timelineEntry({ seq, type, data }: { seq: number; type: string; data: unknown }): TimelineEntry | null {
  if (type === 'state') return { seq, type, data: StateEvent.parse(data) }
  if (type === 'note') return { seq, type, data: NoteEvent.parse(data) }
  return null
}

export async function readArchivedTimeline(id: string, db: Database): Promise<TimelineEntry[]> {
  const rows = await db.select().from(archivedTimeline).where(eq(archivedTimeline.jobId, id)).orderBy(asc(archivedTimeline.seq))
  return rows.flatMap((row) => timelineEntry(row) ?? [])
}

/** Which jobs a list shows, and from where on. */
export interface JobFilter {
  /** Undefined for everybody's. */
  userId?: string | undefined
  state?: JobState | undefined
  search?: string | undefined
  /** Only jobs older than this one. */
  before?: { createdAt: string; id: string } | undefined
  limit: number
}

/** Archived jobs, newest first. */
export async function listArchivedJobs({ userId, state, search, before, limit }: JobFilter, db: Database): Promise<JobSummary[]> {
  const since = before && new Date(before.createdAt)
  const rows = await db
    .select()
    .from(archivedJobs)
    .where(
      and(
        userId === undefined ? undefined : eq(archivedJobs.userId, userId),
        state === undefined ? undefined : eq(archivedJobs.state, state),
        search === undefined ? undefined : eq(archivedJobs.search, search),
        before && since
          ? or(lt(archivedJobs.createdAt, since), and(eq(archivedJobs.createdAt, since), lt(archivedJobs.id, before.id)))
          : undefined,
      ),
    )
    .orderBy(desc(archivedJobs.createdAt), desc(archivedJobs.id))
    .limit(limit)
  return rows.map((row) => jobOf(row, row.brief))
}

/** Removes a job from the archive and leaves a tombstone, so that no late archiver brings it back. */
export async function deleteArchivedJob(id: string, at: Date, db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(oneAtATime(id))
    await tx.insert(deletedJobs).values({ id, deletedAt: at }).onConflictDoNothing()
    await tx.delete(archivedJobs).where(eq(archivedJobs.id, id))
  })
}
