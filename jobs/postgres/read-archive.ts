import { and, asc, desc, eq, gte, lt, or, sql } from 'drizzle-orm'
import type { Row } from '../define-search.ts'
import { RowsEvent } from '../events.ts'
import { Job, type JobState, JobSummary } from '../job.ts'
import { type TimelineEntry, timelineEntry } from '../timeline.ts'
import type { Database } from './connect.ts'
import { archivedJobs, archivedRows, archivedTimeline } from './schema.ts'

function factsOf(row: typeof archivedJobs.$inferSelect, input: unknown) {
  return {
    ...row,
    input,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt.toISOString(),
  }
}

export async function readArchivedJob(id: string, db: Database): Promise<Job | null> {
  const [row] = await db.select().from(archivedJobs).where(eq(archivedJobs.id, id))
  return row ? Job.parse(factsOf(row, row.input)) : null
}

/** The stack of an archived job's error; null if it has none or there is no such job. */
export async function readArchivedStack(id: string, db: Database): Promise<string | null> {
  const [row] = await db
    .select({ stack: archivedJobs.stack })
    .from(archivedJobs)
    .where(eq(archivedJobs.id, id))
  return row?.stack ?? null
}

/** Queries the pieces that hold up to `limit` rows, starting at index `from`. */
export function piecesOfPage(
  id: string,
  { from, limit }: { from: number; limit: number },
  db: Database,
) {
  // Keyset: the piece that holds `from` is the last one that starts at or before it.
  const first = sql`coalesce((
    select max(${archivedRows.from}) from ${archivedRows}
    where ${archivedRows.jobId} = ${id} and ${archivedRows.from} <= ${from}
  ), 0)`
  return db
    .select()
    .from(archivedRows)
    .where(
      and(
        eq(archivedRows.jobId, id),
        gte(archivedRows.from, first),
        lt(archivedRows.from, from + limit),
      ),
    )
    .orderBy(asc(archivedRows.from))
}

/** Up to `limit` rows, starting at index `from`. */
export async function readArchivedRows(
  id: string,
  page: { from: number; limit: number },
  db: Database,
): Promise<Row[]> {
  const { from, limit } = page
  const pieces = await piecesOfPage(id, page, db)
  const first = pieces[0]?.from ?? from
  return pieces
    .flatMap((piece) => RowsEvent.shape.rows.parse(piece.rows))
    .slice(from - first, from - first + limit)
}

export async function readArchivedTimeline(id: string, db: Database): Promise<TimelineEntry[]> {
  const rows = await db
    .select()
    .from(archivedTimeline)
    .where(eq(archivedTimeline.jobId, id))
    .orderBy(asc(archivedTimeline.seq))
  return rows.flatMap((row) => timelineEntry(row) ?? [])
}

/** Selects a page of the archived jobs. */
export interface JobFilter {
  /** Undefined: jobs of all users. */
  userId?: string | undefined
  state?: JobState | undefined
  search?: string | undefined
  /** Only jobs older than this one. */
  before?: { createdAt: string; id: string } | undefined
  limit: number
}

/** Archived jobs, newest first. */
export async function listArchivedJobs(
  { userId, state, search, before, limit }: JobFilter,
  db: Database,
): Promise<JobSummary[]> {
  const createdBefore = before && new Date(before.createdAt)
  const rows = await db
    .select()
    .from(archivedJobs)
    .where(
      and(
        userId === undefined ? undefined : eq(archivedJobs.userId, userId),
        state === undefined ? undefined : eq(archivedJobs.state, state),
        search === undefined ? undefined : eq(archivedJobs.search, search),
        before && createdBefore
          ? or(
              lt(archivedJobs.createdAt, createdBefore),
              and(eq(archivedJobs.createdAt, createdBefore), lt(archivedJobs.id, before.id)),
            )
          : undefined,
      ),
    )
    .orderBy(desc(archivedJobs.createdAt), desc(archivedJobs.id))
    .limit(limit)
  return rows.map((row) => JobSummary.parse(factsOf(row, row.brief)))
}
