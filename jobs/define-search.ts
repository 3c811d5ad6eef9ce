import type { z } from 'zod'
import type { Column } from './column.ts'
import type { Progress } from './job.ts'

export type { Column } from './column.ts'

/** What a row may hold: flat, so that it is a table row, a CSV line and a JSON object alike. */
export type Cell = string | number | boolean | null
export type Row = Record<string, Cell>

/**
 * What a running search is given besides its input: the tools of this installation (what it reads
 * from), and a voice.
 */
export type SearchContext<Tools> = Tools & {
  /** Aborts on cancel, lost lock, time-out and shutdown. Goes to every slow call. */
  signal: AbortSignal
  /** Says how far it is. Cheap: conflated before it is sent. */
  progress(progress: Progress): void
  /** Tells the user something in a sentence; kept in the job's timeline. */
  note(text: string): void
}

/** A type of search: one file in `searches/`, one line in `searches/catalog.ts`. */
export interface Search<Tools = unknown, Input extends z.ZodObject = z.ZodObject> {
  /** In URLs, queues and records: lower case and hyphens. */
  name: string
  title: string
  description: string
  /** Also the form (labels from `.meta({title, description, examples})`) and the API's schema. */
  input: Input
  columns: Column[]
  /** How often it is tried when it fails with a `PassingError`. 3 by default. */
  attempts?: number
  /** How long one attempt may take. 15 minutes by default. */
  timeoutMs?: number
  /** Only admins are offered it and may start it. */
  forAdmins?: true
  run(input: z.output<Input>, context: SearchContext<Tools>): AsyncIterable<Row>
}

/** Gives `run` the types of its own input schema. */
export function defineSearch<Tools, Input extends z.ZodObject>(
  search: Search<Tools, Input>,
): Search<Tools, Input> {
  return search
}
