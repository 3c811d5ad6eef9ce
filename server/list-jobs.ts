import type { JobSummary } from '#jobs/job.ts'
import { newestFirst, type SortKey } from '#jobs/newest-first.ts'
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
  const oneMore = { ...filter, before: before && inMs(before), limit: limit + 1 }
  const unarchived = await findUnarchived(oneMore, store)
  const archived = await listArchivedJobs(oneMore, db)
  // The archive was read later, so its jobs replace those that were still live in Redis.
  const jobs = new Map([...unarchived, ...archived].map((job) => [job.id, job]))
  const sorted = [...jobs.values()].sort(newestFirst)
  return { jobs: sorted.slice(0, limit), more: sorted.length > limit }
}

/** A cursor made by a client may have another precision than jobs have. */
function inMs({ createdAt, id }: SortKey): SortKey {
  return { createdAt: new Date(createdAt).toISOString(), id }
}
