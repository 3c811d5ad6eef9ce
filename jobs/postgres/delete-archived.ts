import { eq, inArray, lt, sql } from 'drizzle-orm'
import type { JobState } from '../job.ts'
import { forgetAccepted } from './accepted-jobs.ts'
import { lockJobs } from './archive.ts'
import type { Database } from './connect.ts'
import { archivedJobs, deletedJobs } from './schema.ts'

/**
 * Deletes a job from the archive and leaves a tombstone, so that no late archiver restores it.
 * @returns true for the first of several calls only
 */
export async function deleteArchivedJob(id: string, at: Date, db: Database): Promise<boolean> {
  return db.transaction(async (tx) => {
    await lockJobs([id], tx)
    await forgetAccepted([id], tx)
    const first = await tx
      .insert(deletedJobs)
      .values({ id, deletedAt: at })
      .onConflictDoNothing()
      .returning({ id: deletedJobs.id })
    await tx.delete(archivedJobs).where(eq(archivedJobs.id, id))
    return first.length > 0
  })
}

export interface Retention {
  /** Jobs that ended before this are deleted. */
  endedBefore: Date
  /** Older tombstones are deleted too: no archiver is that late. */
  deletedBefore: Date
  /** Maximum number of jobs to delete in one call. */
  limit: number
}

/**
 * Deletes archived jobs past their retention, oldest first. While one process does so, calls of
 * others delete nothing.
 * @returns the deleted jobs; if there are `limit` of them, there may be more
 */
export async function deleteExpired(
  { endedBefore, deletedBefore, limit }: Retention,
  db: Database,
): Promise<{ id: string; state: JobState }[]> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.execute<{ locked: boolean }>(
      sql`select pg_try_advisory_xact_lock(hashtextextended('searchlight retention', 0)) as locked`,
    )
    if (!rows[0]?.locked) return []
    await tx.delete(deletedJobs).where(lt(deletedJobs.deletedAt, deletedBefore))
    const old = tx
      .select({ id: archivedJobs.id })
      .from(archivedJobs)
      .where(lt(archivedJobs.finishedAt, endedBefore))
      .orderBy(archivedJobs.finishedAt)
      .limit(limit)
    return tx
      .delete(archivedJobs)
      .where(inArray(archivedJobs.id, old))
      .returning({ id: archivedJobs.id, state: archivedJobs.state })
  })
}
