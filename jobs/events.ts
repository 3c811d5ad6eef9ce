import { z } from 'zod'
import type { Cells, Row } from './define-search.ts'
import { JobState, Progress } from './job.ts'

/** When it was recorded, by the clock of Redis. */
const at = z.iso.datetime()
const attempt = z.number().int().nonnegative()
const isRow = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The cells of a row are not looked at: rows are many, and a worker of ours has written them. */
export const RowData = z.custom<Row>(isRow).meta({
  type: 'object',
  additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
})

/** Some cells of a row. */
export const CellsData = z.custom<Cells>(isRow).meta({
  type: 'object',
  additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
})

/** Durable events have a dense `seq` 1, 2, 3… within their job and are stored with it. */
export const StateEvent = z.object({
  at,
  state: JobState,
  attempt,
  message: z.string().optional(),
  worker: z.string().optional(),
})
/** `from` is the index of the first row; a new attempt starts at 0 again. */
export const RowsEvent = z.object({
  at,
  attempt,
  from: z.number().int().nonnegative(),
  rows: z.array(RowData),
})
/**
 * Rows that have changed since they were yielded: the index of each, and every cell that has changed
 * in this attempt as it is now. So a later event takes the place of an earlier one for the same row.
 */
export const PatchEvent = z.object({
  at,
  attempt,
  rows: z.array(z.tuple([z.number().int().nonnegative(), CellsData])),
})
export const NoteEvent = z.object({ at, attempt, text: z.string(), worker: z.string().optional() })
/** Volatile: it has no `seq`, only the latest counts, and none follows the job's end. */
export const ProgressEvent = Progress.extend({ attempt })

export type StateEvent = z.infer<typeof StateEvent>
export type RowsEvent = z.infer<typeof RowsEvent>
export type PatchEvent = z.infer<typeof PatchEvent>
export type NoteEvent = z.infer<typeof NoteEvent>
export type ProgressEvent = z.infer<typeof ProgressEvent>

/** A durable event as stored. Its seq is its position in the log; `data` is unparsed JSON. */
export interface LoggedEvent {
  seq: number
  type: string
  data: string
}

export type JobEvent =
  | { seq: number; type: 'state'; data: StateEvent }
  | { seq: number; type: 'rows'; data: RowsEvent }
  | { seq: number; type: 'patch'; data: PatchEvent }
  | { seq: number; type: 'note'; data: NoteEvent }
  | { seq: null; type: 'progress'; data: ProgressEvent }
