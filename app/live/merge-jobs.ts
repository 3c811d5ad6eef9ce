import type { JobSummary } from '#jobs/job.ts'
import { newestFirst } from '#jobs/newest-first.ts'

/** Jobs, newest first. Never changed, only replaced. */
export type JobList = readonly JobSummary[]

/**
 * Whether what arrived is older than what is held. With the same seq it may carry newer progress,
 * so it counts.
 */
function isStale(held: JobSummary | undefined, arrived: JobSummary): boolean {
  return held !== undefined && held.epoch === arrived.epoch && arrived.seq < held.seq
}

export function mergeJobs(
  list: JobList,
  changed: readonly JobSummary[],
  removed: readonly string[] = [],
): JobList {
  const byId = new Map(list.map((job) => [job.id, job]))
  for (const job of changed) if (!isStale(byId.get(job.id), job)) byId.set(job.id, job)
  for (const id of removed) byId.delete(id)
  return [...byId.values()].sort(newestFirst)
}

/**
 * Takes in a list that the server has just read: it holds everything from its oldest job on, so
 * what is held from there on and is missing in it was deleted meanwhile. Older pages stay. An empty
 * list means that there are no jobs at all.
 */
export function takeInNewest(list: JobList, newest: readonly JobSummary[]): JobList {
  const oldest = newest.toSorted(newestFirst).at(-1)
  if (!oldest) return []
  const ids = new Set(newest.map((job) => job.id))
  const gone = list
    .filter((job) => newestFirst(job, oldest) <= 0 && !ids.has(job.id))
    .map((job) => job.id)
  return mergeJobs(list, newest, gone)
}

/**
 * Takes a list that the server has just read for what there is; of a job that is held as newer,
 * that stays.
 */
export function replaceJobs(list: JobList, now: readonly JobSummary[]): JobList {
  const ids = new Set(now.map(({ id }) => id))
  return mergeJobs(
    list.filter(({ id }) => ids.has(id)),
    now,
  )
}
