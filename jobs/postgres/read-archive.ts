import { type AnyColumn, and, asc, desc, eq, getTableColumns, gte, lt, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/pg-core'
import type { Row } from '../define-search.ts'
import { RowsEvent } from '../events.ts'
import { Job, type JobState, JobSummary } from '../job.ts'
import { type Ending, isLive } from '../lifecycle.ts'
import { type TimelineEntry, timelineEntry } from '../timeline.ts'
import type { Database } from './connect.ts'
import { archivedJobs, archivedRows, archivedTimeline, listKey } from './schema.ts'

type Times = Pick<
  typeof archivedJobs.$inferSelect,
  'createdAt' | 'startedAt' | 'finishedAt' | 'patched'
>

function factsOf<Row extends Times>(row: Row, input: unknown) {
  return {
    ...row,
    input,
    patched: row.patched ?? undefined,
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

/** What a summary needs of a job; its whole input and the stack of its error may be large. */
const { input: _input, stack: _stack, ...summaryColumns } = getTableColumns(archivedJobs)

const endings = ['complete', 'error', 'cancelled'] as const

/**
 * Archived jobs, newest first. For any filter and at any depth, an index holds the page of each
 * ending in its order; without a state, the pages of all endings are merged.
 */
export async function listArchivedJobs(filter: JobFilter, db: Database): Promise<JobSummary[]> {
  const { state, limit } = filter
  if (state !== undefined && !isEnding(state)) return []
  const page = (ending: Ending) =>
    db
      .select(summaryColumns)
      .from(archivedJobs)
      .where(fitting(ending, filter))
      .orderBy(...newestFirst(archivedJobs))
      .limit(limit)
  const [first, second, third] = endings
  const merged = () => {
    const pages = unionAll(page(first), page(second), page(third)).as('pages')
    return db
      .select()
      .from(pages)
      .orderBy(...newestFirst(pages))
      .limit(limit)
  }
  const rows = await (state === undefined ? merged() : page(state))
  return rows.map((row) => JobSummary.parse(factsOf(row, row.brief)))
}

function isEnding(state: JobState): state is Ending {
  return !isLive(state)
}

/** Compares ids by their bytes, as `newestFirst` of the domain does, whatever the database's locale. */
const bytesOf = (id: AnyColumn) => sql`${id} collate "C"`

function newestFirst({ createdAt, id }: { createdAt: AnyColumn; id: AnyColumn }) {
  return [desc(createdAt), desc(bytesOf(id))]
}

function fitting(ending: Ending, { userId, search, before }: JobFilter) {
  const { createdAt, id } = archivedJobs
  return and(
    keyIs(ending, userId, search),
    // A comparison of rows can be a condition of an index, unlike one with `or`.
    before &&
      sql`(${createdAt}, ${bytesOf(id)}) < (${before.createdAt}::timestamptz, ${before.id})`,
  )
}

function keyIs(ending: Ending, userId: string | undefined, search: string | undefined) {
  const columns = archivedJobs
  if (userId !== undefined && search !== undefined)
    return eq(
      listKey(columns.userId, columns.search, columns.state),
      `${userId} ${search} ${ending}`,
    )
  if (userId !== undefined) return eq(listKey(columns.userId, columns.state), `${userId} ${ending}`)
  if (search !== undefined) return eq(listKey(columns.search, columns.state), `${search} ${ending}`)
  return eq(columns.state, ending)
}
