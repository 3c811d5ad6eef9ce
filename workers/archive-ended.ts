import { isLive } from '#jobs/lifecycle.ts'
import { archiveJob } from '#jobs/postgres/archive.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import { dequeueJob, type Queues } from '#jobs/redis/queue.ts'
import { readJob, readLog } from '#jobs/redis/read-job.ts'
import { briefOf } from '#jobs/redis/record.ts'
import { releaseJob } from '#jobs/redis/remove-job.ts'
import type { JobStore } from '#jobs/redis/store.ts'

export interface ArchiveDeps {
  store: JobStore
  db: Database
  queues: Queues
}

/** Cleans up after a job that has ended: its queue entry goes, its record is archived, and only then its keys may expire. */
export async function archiveEnded(id: string, { store, db, queues }: ArchiveDeps): Promise<void> {
  const reading = await readJob(id, null, store)
  const events = await readLog(id, store)
  if (!reading || !events || isLive(reading.job.state)) return
  const { job } = reading
  await archiveJob(job, briefOf(job.input), events, db)
  await dequeueJob(job, queues)
  await releaseJob(job, store)
}
