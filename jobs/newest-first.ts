import type { Job } from './job.ts'

/** What decides a job's place in a list. */
export type SortKey = Pick<Job, 'id' | 'createdAt'>

/** Orders jobs by creation, the newest first; the id decides between jobs of one moment. */
export function newestFirst(a: SortKey, b: SortKey): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1
  if (a.id === b.id) return 0
  return a.id < b.id ? 1 : -1
}
