import { JobInput } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import type { Log } from '#jobs/log.ts'
import { acceptedAmong, noteAccepted } from '#jobs/postgres/accepted-jobs.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import { briefOf } from '#jobs/redis/record.ts'
import type { JobStore } from '#jobs/redis/store.ts'

/**
 * Notes live jobs that are not noted in PostgreSQL: their server died before it wrote its batch, or
 * more were started during an outage of the database than it could keep.
 */
export async function noteUnnoted(
  liveIds: readonly string[],
  { store, db, log }: { store: JobStore; db: Database; log: Log },
): Promise<void> {
  if (liveIds.length === 0) return
  const noted = new Set(await acceptedAmong(liveIds, db))
  for (const id of liveIds) {
    if (noted.has(id)) continue
    const job = (await readJob(id, null, store))?.job
    if (!job || !isLive(job.state)) continue
    const { userId, search, input, createdAt } = job
    const brief = JobInput.parse(briefOf(input))
    const note = { id, userId, search, input, brief, acceptedAt: new Date(createdAt) }
    // One that the database refuses must not keep the others from being noted.
    await noteAccepted([note], db).catch((error) =>
      log.warn({ err: error, job: id }, 'Could not note an accepted start'),
    )
  }
}
