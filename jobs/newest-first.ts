import type { Job } from './job.ts'

/** The fields that determine a job's place in a list. */
export type SortKey = Pick<Job, 'id' | 'createdAt'>

/** Compares jobs by creation, newest first. Ids break ties, so the order is total. */
export function newestFirst(a: SortKey, b: SortKey): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1
  if (a.id === b.id) return 0
  return a.id < b.id ? 1 : -1
}
