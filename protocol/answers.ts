import { z } from 'zod'
import { Column, RowOrder } from '#jobs/column.ts'
import { Job, JobInput, JobSummary } from '#jobs/job.ts'
import { JobCounts } from '#jobs/job-counts.ts'
import { TimelineEntry } from '#jobs/timeline.ts'
import { WorkerProcess } from '#jobs/worker-process.ts'

/** Bodies of HTTP requests and answers. Rows are `RowsPage` in jobs/rows-page.ts. */

const count = z.number().int().nonnegative()

export const Account = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  role: z.enum(['admin', 'user']),
})
export type Account = z.infer<typeof Account>

/** `GET /api/me`. Sign-up is open until the first account exists; that account is an admin. */
export const Me = z.object({ user: Account.nullable(), signUp: z.enum(['open', 'closed']) })
export type Me = z.infer<typeof Me>

/**
 * A type of search. `input` is the JSON Schema of its input. Rows come in the order of `order`; a
 * type without it returns them in the order of its input or as they are found.
 */
export const SearchType = z.object({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  input: z.record(z.string(), z.unknown()),
  columns: z.array(Column),
  order: RowOrder.optional(),
})
export type SearchType = z.infer<typeof SearchType>

export const SearchTypes = z.object({ searches: z.array(SearchType) })

/** `POST /api/jobs`. */
export const StartRequest = z.object({ search: z.string().max(64), input: JobInput.prefault({}) })
export type StartRequest = z.input<typeof StartRequest>

export const OneJob = z.object({ job: Job })

/** `nextCursor` is null on the last page. */
export const JobsPage = z.object({ jobs: z.array(JobSummary), nextCursor: z.string().nullable() })
export type JobsPage = z.infer<typeof JobsPage>

export const Timeline = z.object({ events: z.array(TimelineEntry) })

/** Where a search's error came from; null when it has none. */
export const Stack = z.object({ stack: z.string().nullable() })

/** `GET /api/admin/stats`. */
export const Stats = z.object({
  counts: JobCounts,
  queues: z.array(
    z.object({
      search: z.string(),
      shard: count,
      waiting: count,
      active: count,
      delayed: count,
      paused: z.boolean(),
    }),
  ),
})

/** `GET /api/admin/workers`: the worker processes that are alive. */
export const Workers = z.object({ workers: z.array(WorkerProcess) })

/** `POST /api/admin/queue/pause` and `/resume`. */
export const QueuePaused = z.object({ paused: z.boolean() })
