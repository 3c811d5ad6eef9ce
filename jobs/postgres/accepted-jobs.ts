import { and, asc, gt, inArray, like, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { JobInput } from '../job.ts'
import type { Database, Transaction } from './connect.ts'
import { acceptedJobs, archivedJobs, deletedJobs } from './schema.ts'

/** A start that was accepted, as it is noted until the job is archived. */
export interface AcceptedJob {
  id: string
  userId: string
  search: string
  input: JobInput
  /** The input, with long values cut short. */
  brief: JobInput
  acceptedAt: Date
}

/** Notes starts. Repeating it is harmless. */
export async function noteAccepted(jobs: readonly AcceptedJob[], db: Database): Promise<void> {
  if (jobs.length > 0)
    await db
      .insert(acceptedJobs)
      .values([...jobs])
      .onConflictDoNothing()
}

/** Call it in the transaction that archives or deletes the jobs. */
export async function forgetAccepted(ids: readonly string[], tx: Transaction): Promise<void> {
  await tx.delete(acceptedJobs).where(inArray(acceptedJobs.id, [...ids]))
}

/** A note can come later than the archive; such notes are of no use. */
export async function forgetSettled(db: Database): Promise<void> {
  await db.execute(sql`delete from ${acceptedJobs} where exists (
    select from ${archivedJobs} where ${archivedJobs.id} = ${acceptedJobs.id}
    union all select from ${deletedJobs} where ${deletedJobs.id} = ${acceptedJobs.id})`)
}

/** Noted jobs of a shard in the order of their ids, after an id. */
export function acceptedAfter(
  id: string,
  { shard, limit }: { shard: number; limit: number },
  db: Database,
): Promise<AcceptedJob[]> {
  return db
    .select()
    .from(acceptedJobs)
    .where(and(like(acceptedJobs.id, `${shard}-%`), gt(acceptedJobs.id, id)))
    .orderBy(asc(acceptedJobs.id))
    .limit(limit)
}

const Counts = z.array(z.object({ state: z.string(), count: z.coerce.number() }))

/**
 * Counts the archived jobs of a shard and hands them to `use`; meanwhile, nothing is archived.
 * `alsoArchived` says which of the given jobs are among them.
 */
export async function withArchiveCounts(
  shard: number,
  ids: readonly string[],
  use: (counts: Map<string, number>, alsoArchived: string[]) => Promise<void>,
  db: Database,
): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${archiveLock})`)
    const counted = await tx.execute(sql`select state, count(*) as count from archived_jobs
      where id like ${`${shard}-%`} group by state`)
    const also = await tx
      .select({ id: archivedJobs.id })
      .from(archivedJobs)
      .where(inArray(archivedJobs.id, [...ids]))
    const counts = new Map(Counts.parse(counted.rows).map(({ state, count }) => [state, count]))
    await use(
      counts,
      also.map(({ id }) => id),
    )
  })
}

/** Archivers share it; who counts the archive takes it alone. */
export const archiveLock = sql`hashtextextended('searchlight archive', 0)`

/** The noted jobs with these ids that are neither archived nor deleted. */
export async function notSettled(ids: readonly string[], db: Database): Promise<string[]> {
  const archived = await db
    .select({ id: archivedJobs.id })
    .from(archivedJobs)
    .where(inArray(archivedJobs.id, [...ids]))
  const deleted = await db
    .select({ id: deletedJobs.id })
    .from(deletedJobs)
    .where(inArray(deletedJobs.id, [...ids]))
  const settled = new Set([...archived, ...deleted].map(({ id }) => id))
  return ids.filter((id) => !settled.has(id))
}
