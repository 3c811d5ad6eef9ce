import type { JobSummary } from '#jobs/job.ts'
import type { JobCounts } from '#jobs/job-counts.ts'
import { newestFirst } from '#jobs/newest-first.ts'
import { SharedFrame } from './shared-frame.ts'

export type ListName = 'jobs' | 'feed'

/** The changes of a list since the previous frame. Encoded once for all its readers. */
export class ListFrame {
  readonly changed: readonly JobSummary[]
  /** Ids of jobs that were deleted or that the list no longer shows. */
  readonly removed: readonly string[]
  readonly counts: JobCounts | undefined
  #shared: SharedFrame | null = null

  constructor(changed: readonly JobSummary[], removed: readonly string[], counts?: JobCounts) {
    this.changed = changed
    this.removed = removed
    this.counts = counts
  }

  encodeAs(name: ListName): SharedFrame {
    const { changed, removed, counts } = this
    this.#shared ??= new SharedFrame(name, JSON.stringify({ changed, removed, counts }))
    return this.#shared
  }

  /**
   * Combines this frame with the next one; the later state of a job wins.
   * @param maxJobs how many changed jobs to keep, the newest first
   */
  mergeWith(next: ListFrame, maxJobs: number): ListFrame {
    const changed = new Map(this.changed.map((job) => [job.id, job]))
    const removed = new Set(this.removed)
    for (const job of next.changed) {
      changed.set(job.id, job)
      removed.delete(job.id)
    }
    for (const id of next.removed) {
      changed.delete(id)
      removed.add(id)
    }
    const newest = [...changed.values()].sort(newestFirst).slice(0, maxJobs)
    return new ListFrame(newest, [...removed], next.counts ?? this.counts)
  }
}
