import { eq, inArray, lt, sql } from 'drizzle-orm'
import type { JobState } from '../job.ts'
import { lockJobs } from './archive.ts'
import type { Database } from './connect.ts'
import { archivedJobs, deletedJobs } from './schema.ts'

/**
 * Removes a job from the archive and leaves a tombstone, so that no late archiver brings it back.
 * @returns whether this call did: of several at once, one
 */
export async function deleteArchivedJob(id: string, at: Date, db: Database): Promise<boolean> {
  return db.transaction(async (tx) => {
    await lockJobs([id], tx)
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
  /** Jobs that ended before this are forgotten. */
  endedBefore: Date
  /** Tombstones older than this are too: no archiver is that late. */
  deletedBefore: Date
  /** Jobs at most in one call. */
  most: number
}

/**
 * Forgets what is older than the archive keeps, the oldest first. One process at a time does it;
 * for the others there is nothing to do.
 * @returns the jobs that are gone; as many as `most`, and there may be more
 */
export async function forgetOld(
  { endedBefore, deletedBefore, most }: Retention,
  db: Database,
): Promise<{ id: string; state: JobState }[]> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.execute<{ mine: boolean }>(
      sql`select pg_try_advisory_xact_lock(hashtextextended('searchlight retention', 0)) as mine`,
    )
    if (!rows[0]?.mine) return []
    await tx.delete(deletedJobs).where(lt(deletedJobs.deletedAt, deletedBefore))
    const old = tx
      .select({ id: archivedJobs.id })
      .from(archivedJobs)
      .where(lt(archivedJobs.finishedAt, endedBefore))
      .orderBy(archivedJobs.finishedAt)
      .limit(most)
    return tx
      .delete(archivedJobs)
      .where(inArray(archivedJobs.id, old))
      .returning({ id: archivedJobs.id, state: archivedJobs.state })
  })
}
