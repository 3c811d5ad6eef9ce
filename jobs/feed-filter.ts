import type { JobState, JobSummary } from './job.ts'

/** Limits the admins' feed to some jobs; an empty filter matches all of them. */
export interface FeedFilter {
  state?: JobState | undefined
  /** The name of a search type. */
  search?: string | undefined
}

export function fits(job: JobSummary, { state, search }: FeedFilter): boolean {
  return (
    (state === undefined || job.state === state) && (search === undefined || job.search === search)
  )
}
