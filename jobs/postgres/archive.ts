import { fileURLToPath } from 'node:url'
import { inArray, sql } from 'drizzle-orm'
import type { Row } from '../define-search.ts'
import { type LoggedEvent, RowsEvent } from '../events.ts'
import type { Job } from '../job.ts'
import type { Database } from './connect.ts'
import type { Migrations } from './migrate.ts'
import { archivedJobs, archivedRows, archivedTimeline, deletedJobs } from './schema.ts'

export const archiveMigrations: Migrations = {
  folder: fileURLToPath(new URL('./migrations', import.meta.url)),
  table: 'archive_migrations',
}

/** An ended job on its way into the archive. */
export interface JobToArchive {
  job: Job
  /** The input with its long values cut short. */
  brief: Job['input']
  /** Where an error came from, for admins. */
  stack: string | null
  /** Its durable events in order, some at a time. */
  log(): AsyncIterable<LoggedEvent[]>
}

export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

/**
 * Archivers and deleters of the same job wait for each other: neither may miss what the other has
 * not committed yet. In order, so that they never wait in a circle.
 */
export async function lockJobs(ids: readonly string[], tx: Transaction): Promise<void> {
  const ordered = sql.param([...ids].sort())
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(id, 1)) from unnest(${ordered}::text[]) with ordinality as job (id, place) order by place`,
  )
}

/**
 * Copies ended jobs with their rows and timelines, all or nothing. Doing it again changes nothing,
 * and a deleted job stays deleted. Logs are read one after the other and in parts, so that a large
 * one is never held whole.
 */
export async function archiveJobs(jobs: readonly JobToArchive[], db: Database): Promise<void> {
  if (jobs.length === 0) return
  const ids = jobs.map(({ job }) => job.id)
  await db.transaction(async (tx) => {
    await lockJobs(ids, tx)
    const deleted = await tx
      .select({ id: deletedJobs.id })
      .from(deletedJobs)
      .where(inArray(deletedJobs.id, ids))
    const gone = new Set(deleted.map(({ id }) => id))
    const wanted = jobs.filter(({ job }) => !gone.has(job.id))
    if (wanted.length === 0) return
    const inserted = await tx
      .insert(archivedJobs)
      .values(wanted.map(archivedJobOf))
      .onConflictDoNothing()
      .returning({ id: archivedJobs.id })
    const missing = new Set(inserted.map(({ id }) => id))
    const writer = new LogWriter(tx)
    for (const { job, log } of wanted) {
      if (!missing.has(job.id)) continue
      for await (const events of log()) await writer.add(job, events)
      writer.endPiece()
    }
    await writer.flush()
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

/**
 * Rows are kept in pieces of about this many, whatever pieces they arrived in, and written so many
 * pieces or timeline entries at once.
 */
const rowsPerPiece = 500
const bytesPerPiece = 512 * 1024
const valuesPerInsert = 500
const bytesPerInsert = 4 * 1024 * 1024

/** Turns logs into rows and timeline entries, and writes them many at a time. */
class LogWriter {
  readonly #tx: Transaction
  #timeline: (typeof archivedTimeline.$inferInsert)[] = []
  #pieces: (typeof archivedRows.$inferInsert)[] = []
  #piece: { jobId: string; from: number; rows: Row[]; bytes: number } | null = null
  #bytes = 0

  constructor(tx: Transaction) {
    this.#tx = tx
  }

  /** Of the rows, only those of the job's last attempt are kept. */
  async add({ id, attempt }: Job, events: readonly LoggedEvent[]): Promise<void> {
    for (const { seq, type, data } of events) {
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
        this.endPiece()
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

  /** The next row belongs to another piece: this one is full, or its job's log is through. */
  endPiece(): void {
    if (!this.#piece) return
    const { jobId, from, rows } = this.#piece
    this.#pieces.push({ jobId, from, count: rows.length, rows })
    this.#piece = null
  }
}
