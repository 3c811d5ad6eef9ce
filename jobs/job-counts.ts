import { z } from 'zod'
import { JobState } from './job.ts'

/** The number of jobs in each state. */
export const JobCounts = z.record(JobState, z.number().int())
export type JobCounts = z.infer<typeof JobCounts>
