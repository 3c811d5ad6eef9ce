import { z } from 'zod'
import { JobState, type JobSummary } from './job.ts'

/** Limits the admins' feed to some jobs; an empty filter matches all of them. */
export const FeedFilter = z.object({
  state: JobState.optional(),
  /** The name of a search type. */
  search: z.string().max(64).optional(),
})
export type FeedFilter = z.infer<typeof FeedFilter>

export function fits(job: JobSummary, { state, search }: FeedFilter): boolean {
  return (
    (state === undefined || job.state === state) && (search === undefined || job.search === search)
  )
}
