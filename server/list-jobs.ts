import { fits } from '#jobs/feed-filter.ts'
import type { JobSummary } from '#jobs/job.ts'
import { newestFirst } from '#jobs/newest-first.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import { type JobFilter, listArchivedJobs } from '#jobs/postgres/read-archive.ts'
import { unarchivedJobs, unarchivedJobsOf } from '#jobs/redis/job-lists.ts'
import type { JobStore } from '#jobs/redis/store.ts'

/**
 * Of everybody's jobs, this many of each shard are looked at in Redis; what is there is not
 * archived yet, so it is few.
 */
const mostUnarchived = 10_000

/**
 * Live and archived jobs in one list, newest first. Redis is read before the archive: a job moves
 * from there to here, so it is seen in one of them at least.
 */
export async function listJobs(
  filter: JobFilter,
  { store, db }: { store: JobStore; db: Database },
): Promise<{ jobs: JobSummary[]; more: boolean }> {
  const { userId, before, limit } = filter
  const unarchived =
    userId === undefined
      ? await unarchivedJobs(mostUnarchived, store)
      : await unarchivedJobsOf(userId, store)
  const archived = await listArchivedJobs({ ...filter, limit: limit + 1 }, db)
  const jobs = new Map(archived.map((job) => [job.id, job]))
  for (const job of unarchived) {
    if (fits(job, filter) && (before === undefined || newestFirst(before, job) < 0))
      jobs.set(job.id, job)
  }
  const sorted = [...jobs.values()].sort(newestFirst)
  return { jobs: sorted.slice(0, limit), more: sorted.length > limit }
}
