import { z } from 'zod'
import type { Column } from '#jobs/define-search.ts'
import { NoteEvent, RowData, StateEvent } from '#jobs/events.ts'
import { Job, jobStates } from '#jobs/job.ts'

export const Account = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  role: z.enum(['admin', 'user']),
})
export type Account = z.infer<typeof Account>

/** `signUp` is open only while there is no account: whoever comes first is the admin. */
export const Me = z.object({ user: Account.nullable(), signUp: z.enum(['open', 'closed']) })
export type Me = z.infer<typeof Me>

const ColumnAnswer = z.object({
  key: z.string(),
  label: z.string(),
  type: z.enum(['text', 'number', 'date', 'url', 'domain', 'boolean']),
  unit: z.string().optional(),
  help: z.string().optional(),
})

/** A type of search as the pages know it. `input` is JSON Schema. */
export const SearchType = z.object({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  input: z.record(z.string(), z.unknown()),
  columns: z.array(ColumnAnswer),
})
export type SearchType = Omit<z.infer<typeof SearchType>, 'columns'> & { columns: Column[] }

export const SearchTypes = z.object({ searches: z.array(SearchType) })
export const OneJob = z.object({ job: Job })
export const JobsPage = z.object({ jobs: z.array(Job), nextCursor: z.string().nullish() })
export type JobsPage = z.infer<typeof JobsPage>

export const RowsPage = z.object({
  attempt: z.number().int(),
  from: z.number().int(),
  rows: z.array(RowData),
  rowCount: z.number().int(),
})
export type RowsPage = z.infer<typeof RowsPage>

const seq = z.number().int()
export const TimelineEntry = z.discriminatedUnion('type', [
  z.object({ seq, type: z.literal('state'), data: StateEvent }),
  z.object({ seq, type: z.literal('note'), data: NoteEvent }),
])
export type TimelineEntry = z.infer<typeof TimelineEntry>
export const Timeline = z.object({ events: z.array(TimelineEntry) })

export const Stack = z.object({ stack: z.string().nullable() })

export const Counts = z.record(z.enum(jobStates), z.number())
export type Counts = z.infer<typeof Counts>

export const Stats = z.object({ counts: Counts })
