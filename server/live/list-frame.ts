import type { JobSummary } from '#jobs/job.ts'
import type { JobCounts } from '#jobs/job-counts.ts'
import { newestFirst } from '#jobs/newest-first.ts'
import { SharedFrame } from './shared-frame.ts'

export type ListName = 'jobs' | 'feed'

/** What has changed in a list since the frame before. Encoded once, however many are told. */
export class ListFrame {
  readonly changed: readonly JobSummary[]
  /** Deleted, or no longer of those that the list shows. */
  readonly removed: readonly string[]
  readonly counts: JobCounts | undefined
  #shared: SharedFrame | null = null

  constructor(changed: readonly JobSummary[], removed: readonly string[], counts?: JobCounts) {
    this.changed = changed
    this.removed = removed
    this.counts = counts
  }

  as(name: ListName): SharedFrame {
    const { changed, removed, counts } = this
    this.#shared ??= new SharedFrame(name, JSON.stringify({ changed, removed, counts }))
    return this.#shared
  }

  /**
   * This frame and the next as one: of each job the last state counts.
   * @param most so many of the newest are kept
   */
  with(next: ListFrame, most: number): ListFrame {
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
    const newest = [...changed.values()].sort(newestFirst).slice(0, most)
    return new ListFrame(newest, [...removed], next.counts ?? this.counts)
  }
}
