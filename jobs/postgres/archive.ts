import { fileURLToPath } from 'node:url'
import { inArray, sql } from 'drizzle-orm'
import type { Row } from '../define-search.ts'
import { type LoggedEvent, RowsEvent } from '../events.ts'
import type { Job } from '../job.ts'
import { archiveLock, forgetAccepted } from './accepted-jobs.ts'
import type { Database, Transaction } from './connect.ts'
import type { Migrations } from './migrate.ts'
import { archivedJobs, archivedRows, archivedTimeline, deletedJobs } from './schema.ts'

export const archiveMigrations: Migrations = {
  folder: fileURLToPath(new URL('./migrations', import.meta.url)),
  table: 'archive_migrations',
}

/** An ended job on its way into the archive. */
export interface JobToArchive {
  job: Job
  /** The input, with long values cut short. */
  brief: Job['input']
  /** The stack of its error, for admins. */
  stack: string | null
  /** Yields its durable events in order, in parts. */
  log(): AsyncIterable<LoggedEvent[]>
  /** Puts in the changed cells of rows, if the job has any. @param from index of the first row */
  patch?(rows: Row[], from: number): Promise<Row[]>
}

/**
 * Makes archivers and deleters of the same job wait for each other, because neither sees what the
 * other has not committed yet. Locks are taken in order, so that no two transactions deadlock. Also
 * waits while the archive is at rest, to be counted.
 */
export async function lockJobs(ids: readonly string[], tx: Transaction): Promise<void> {
  const ordered = sql.param([...ids].sort())
  await tx.execute(
    sql`with archive as materialized (select pg_advisory_xact_lock_shared(${archiveLock}))
      select pg_advisory_xact_lock(hashtextextended(id, 1))
      from archive, unnest(${ordered}::text[]) with ordinality as job (id, place) order by place`,
  )
}

/**
 * Archives ended jobs with their rows and timelines, all or none. A repeat changes nothing, and a
 * deleted job stays deleted. Logs are read one after another and in parts, so that no large one is
 * ever in memory as a whole.
 * @returns the ids of the jobs that were not archived before, nor deleted
 */
export async function archiveJobs(jobs: readonly JobToArchive[], db: Database): Promise<string[]> {
  if (jobs.length === 0) return []
  return db.transaction((tx) => archiveIn(jobs, tx))
}

/** The same, in a transaction of the caller. */
export async function archiveIn(jobs: readonly JobToArchive[], tx: Transaction): Promise<string[]> {
  const ids = jobs.map(({ job }) => job.id)
  await lockJobs(ids, tx)
  await forgetAccepted(ids, tx)
  const deleted = await tx
    .select({ id: deletedJobs.id })
    .from(deletedJobs)
    .where(inArray(deletedJobs.id, ids))
  const gone = new Set(deleted.map(({ id }) => id))
  const wanted = jobs.filter(({ job }) => !gone.has(job.id))
  if (wanted.length === 0) return []
  const inserted = await tx
    .insert(archivedJobs)
    .values(wanted.map(archivedJobOf))
    .onConflictDoNothing()
    .returning({ id: archivedJobs.id })
  const missing = new Set(inserted.map(({ id }) => id))
  const writer = new LogWriter(tx)
  for (const ended of wanted) {
    if (!missing.has(ended.job.id)) continue
    for await (const events of ended.log()) await writer.add(ended, events)
    await writer.endPiece(ended)
  }
  await writer.flush()
  return [...missing]
}

/** @returns the ids of those that the archive has with this very ending */
export async function archivedAlike(jobs: readonly Job[], db: Database): Promise<string[]> {
  if (jobs.length === 0) return []
  const archived = await db
    .select({
      id: archivedJobs.id,
      state: archivedJobs.state,
      attempt: archivedJobs.attempt,
      seq: archivedJobs.seq,
      finishedAt: archivedJobs.finishedAt,
    })
    .from(archivedJobs)
    .where(
      inArray(
        archivedJobs.id,
        jobs.map(({ id }) => id),
      ),
    )
  const found = new Map(archived.map((job) => [job.id, job]))
  return jobs.flatMap(({ id, state, attempt, seq, finishedAt }) => {
    const same = found.get(id)
    const alike =
      same?.state === state &&
      same.attempt === attempt &&
      same.seq === seq &&
      same.finishedAt.toISOString() === finishedAt
    return alike ? [id] : []
  })
}

function archivedJobOf({ job, brief, stack }: JobToArchive): typeof archivedJobs.$inferInsert {
  const { createdAt, startedAt, finishedAt, ...facts } = job
  if (finishedAt === null) throw new Error(`Job ${job.id} has not ended`)
  return {
    ...facts,
    brief,
    stack,
    createdAt: new Date(createdAt),
    startedAt: startedAt === null ? null : new Date(startedAt),
    finishedAt: new Date(finishedAt),
  }
}

/** About how much one piece of rows holds, whatever the size of the events that brought them. */
const rowsPerPiece = 500
const bytesPerPiece = 512 * 1024
/** About how many pieces or timeline entries one insert writes. */
const valuesPerInsert = 500
const bytesPerInsert = 4 * 1024 * 1024

/** Turns logs into pieces of rows and timeline entries, and inserts them in batches. */
class LogWriter {
  readonly #tx: Transaction
  #timeline: (typeof archivedTimeline.$inferInsert)[] = []
  #pieces: (typeof archivedRows.$inferInsert)[] = []
  #piece: { jobId: string; from: number; rows: Row[]; bytes: number } | null = null
  #bytes = 0

  constructor(tx: Transaction) {
    this.#tx = tx
  }

  /** Keeps the states and notes of all attempts, but only the rows of the job's last attempt. */
  async add(ended: JobToArchive, events: readonly LoggedEvent[]): Promise<void> {
    const { id, attempt } = ended.job
    for (const { seq, type, data } of events) {
      if (type === 'patch') continue
      this.#bytes += data.length
      if (type !== 'rows') {
        this.#timeline.push({ jobId: id, seq, type, data: JSON.parse(data) })
        continue
      }
      const part = RowsEvent.parse(JSON.parse(data))
      if (part.attempt !== attempt) continue
      this.#piece ??= { jobId: id, from: part.from, rows: [], bytes: 0 }
      this.#piece.rows.push(...part.rows)
      this.#piece.bytes += data.length
      if (this.#piece.rows.length >= rowsPerPiece || this.#piece.bytes >= bytesPerPiece)
        await this.endPiece(ended)
    }
    if (
      this.#bytes >= bytesPerInsert ||
      this.#timeline.length >= valuesPerInsert ||
      this.#pieces.length >= valuesPerInsert
    )
      await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#timeline.length > 0) await this.#tx.insert(archivedTimeline).values(this.#timeline)
    if (this.#pieces.length > 0) await this.#tx.insert(archivedRows).values(this.#pieces)
    this.#timeline = []
    this.#pieces = []
    this.#bytes = 0
  }

  /** Closes the current piece: it is full, or its job's log ends. */
  async endPiece({ patch }: JobToArchive): Promise<void> {
    if (!this.#piece) return
    const { jobId, from, rows } = this.#piece
    this.#piece = null
    const final = patch ? await patch(rows, from) : rows
    this.#pieces.push({ jobId, from, count: rows.length, rows: final })
  }
}
