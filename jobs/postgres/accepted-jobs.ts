import { asc, gt, inArray, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { JobInput } from '../job.ts'
import type { JobCounts } from '../job-counts.ts'
import type { Database, Transaction } from './connect.ts'
import { acceptedJobs, archivedJobs, deletedJobs } from './schema.ts'

/** A start that was accepted, as it is noted until the job is archived or deleted. */
export interface AcceptedJob {
  id: string
  userId: string
  search: string
  input: JobInput
  /** The input, with long values cut short. */
  brief: JobInput
  /** When Redis created the job. */
  acceptedAt: Date
}

/**
 * Notes starts, except those whose jobs are archived or deleted by now. Repeating it is harmless.
 * Call it only after Redis has created the jobs.
 */
export async function noteAccepted(jobs: readonly AcceptedJob[], db: Database): Promise<void> {
  if (jobs.length === 0) return
  const column = (read: (job: AcceptedJob) => string) => sql.param(jobs.map(read))
  // Many searches end sooner than their note is written. Without the condition, each would leave one.
  // JSON is passed as text: PostgreSQL's functions on JSON refuse NUL.
  await db.execute(sql`
    insert into accepted_jobs (id, user_id, search, input, brief, accepted_at)
    select id, user_id, search, input::json, brief::json, accepted_at
    from unnest(
      ${column(({ id }) => id)}::text[],
      ${column(({ userId }) => userId)}::text[],
      ${column(({ search }) => search)}::text[],
      ${column(({ input }) => JSON.stringify(input))}::text[],
      ${column(({ brief }) => JSON.stringify(brief))}::text[],
      ${column(({ acceptedAt }) => acceptedAt.toISOString())}::timestamptz[]
    ) as job (id, user_id, search, input, brief, accepted_at)
    where not exists (select from archived_jobs where archived_jobs.id = job.id)
      and not exists (select from deleted_jobs where deleted_jobs.id = job.id)
    on conflict do nothing`)
}

/** Call it in the transaction that archives or deletes the jobs. */
export async function forgetAccepted(ids: readonly string[], tx: Transaction): Promise<void> {
  await tx.delete(acceptedJobs).where(inArray(acceptedJobs.id, [...ids]))
}

/** Ids of noted jobs in their order, after an id. */
export async function acceptedAfter(id: string, limit: number, db: Database): Promise<string[]> {
  const rows = await db
    .select({ id: acceptedJobs.id })
    .from(acceptedJobs)
    .where(gt(acceptedJobs.id, id))
    .orderBy(asc(acceptedJobs.id))
    .limit(limit)
  return rows.map((row) => row.id)
}

/** Those of the jobs that are noted. */
export async function acceptedAmong(ids: readonly string[], db: Database): Promise<string[]> {
  const rows = await db
    .select({ id: acceptedJobs.id })
    .from(acceptedJobs)
    .where(inArray(acceptedJobs.id, [...ids]))
  return rows.map((row) => row.id)
}

export function readAccepted(ids: readonly string[], db: Database): Promise<AcceptedJob[]> {
  return db
    .select()
    .from(acceptedJobs)
    .where(inArray(acceptedJobs.id, [...ids]))
}

/** Those of the jobs that are archived or deleted, so that they must not be live. */
export async function endedAmong(
  ids: readonly string[],
  db: Database | Transaction,
): Promise<string[]> {
  const archived = await db
    .select({ id: archivedJobs.id })
    .from(archivedJobs)
    .where(inArray(archivedJobs.id, [...ids]))
  const deleted = await db
    .select({ id: deletedJobs.id })
    .from(deletedJobs)
    .where(inArray(deletedJobs.id, [...ids]))
  return [...new Set([...archived, ...deleted].map((row) => row.id))]
}

export type EndedCounts = Pick<JobCounts, 'complete' | 'error' | 'cancelled'>

const Counts = z.array(
  z.object({ state: z.enum(['complete', 'error', 'cancelled']), count: z.coerce.number() }),
)

/** Counts the archived jobs of a shard. It reads one entry of an index per job. */
export async function countArchived(shard: number, tx: Transaction): Promise<EndedCounts> {
  const { rows } = await tx.execute(sql`
    select state, count(*) as count from archived_jobs
    where id like ${`${shard}-%`} group by state`)
  const counts: EndedCounts = { complete: 0, error: 0, cancelled: 0 }
  for (const { state, count } of Counts.parse(rows)) counts[state] = count
  return counts
}

/** Runs `work` while nothing is archived or deleted by anyone else. */
export async function withArchiveAtRest<Result>(
  work: (tx: Transaction) => Promise<Result>,
  db: Database,
): Promise<Result> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${archiveLock})`)
    return work(tx)
  })
}

/** Archivers and deleters share it; {@link withArchiveAtRest} takes it alone. */
export const archiveLock = sql`hashtextextended('searchlight archive', 0)`
