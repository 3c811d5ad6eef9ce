import type { z } from 'zod'
import type { Column, RowOrder } from './column.ts'
import type { Progress } from './job.ts'

export type { Column, RowOrder } from './column.ts'

/** A value of a row. Rows are flat, so a row is also a table row, a CSV line and a JSON object. */
export type Cell = string | number | boolean | null
export type Row = Record<string, Cell>
/** Some cells of a row. */
export type Cells = Record<string, Cell>

/** The tools of this installation that a search reads from, and its means to report and to stop. */
export type SearchContext<Tools> = Tools & {
  /** Aborts on cancel, lost lock, timeout and shutdown. Pass it to every slow call. */
  signal: AbortSignal
  /** Reports progress. Cheap: only the latest value is sent, at intervals. */
  progress(progress: Progress): void
  /** Adds a sentence for the user to the job's timeline. */
  note(text: string): void
  /**
   * Changes some cells of a row that was yielded before. `yield` answers with the row's index.
   * @throws {TypeError} if there is no such row or column yet
   */
  update(index: number, cells: Cells): void
}

/** Rows in order. Each is answered with its index, so that the search may update it later. */
export type RowStream = AsyncGenerator<Row, void, number>

/** A type of search: one file in `searches/`, one line in `searches/catalog.ts`. */
export interface Search<Tools = unknown, Input extends z.ZodObject = z.ZodObject> {
  /** Appears in URLs, queues and records. Lower case letters and hyphens. */
  name: string
  title: string
  description: string
  /** Also defines the form (`.meta({title, description, examples})`) and the API's schema. */
  input: Input
  columns: Column[]
  /** The order in which rows are yielded, if it says which rows are the top ones. */
  order?: RowOrder
  /** Maximum number of attempts; only a `PassingError` leads to another one. 3 by default. */
  attempts?: number
  /** How long one attempt may take. 15 minutes by default. */
  timeoutMs?: number
  /**
   * How many searches of this type a worker process runs at once: few if they need a core each, many
   * if they wait for the network. 4 by default.
   */
  slots?: number
  /** Only admins see it and may start it. */
  forAdmins?: true
  run(input: z.output<Input>, context: SearchContext<Tools>): RowStream
}

/** Infers the type of `run`'s input from the search's own schema. */
export function defineSearch<Tools, Input extends z.ZodObject>(
  search: Search<Tools, Input>,
): Search<Tools, Input> {
  return search
}
