import { fits } from '#jobs/feed-filter.ts'
import type { JobSummary } from '#jobs/job.ts'
import { newestFirst } from '#jobs/newest-first.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import { type JobFilter, listArchivedJobs } from '#jobs/postgres/read-archive.ts'
import { findUnarchived } from '#jobs/redis/find-jobs.ts'
import type { JobStore } from '#jobs/redis/store.ts'

/**
 * Live and archived jobs in one list, newest first. Reads Redis before the archive: jobs move from
 * the former to the latter, so this order misses none.
 */
export async function listJobs(
  filter: JobFilter,
  { store, db }: { store: JobStore; db: Database },
): Promise<{ jobs: JobSummary[]; more: boolean }> {
  const { before, limit } = filter
  const oneMore = { ...filter, limit: limit + 1 }
  const unarchived = await findUnarchived(oneMore, store)
  const archived = await listArchivedJobs(oneMore, db)
  const jobs = new Map(archived.map((job) => [job.id, job]))
  for (const job of unarchived) {
    if (fits(job, filter) && (before === undefined || newestFirst(before, job) < 0))
      jobs.set(job.id, job)
  }
  const sorted = [...jobs.values()].sort(newestFirst)
  return { jobs: sorted.slice(0, limit), more: sorted.length > limit }
}
