import type { Row, RowStream } from '#jobs/define-search.ts'

/** Iterates over the rows of a search and answers each with its index, as a worker does. */
export async function* drive(rows: RowStream): AsyncGenerator<Row, void, undefined> {
  try {
    for (let index = 0; ; index++) {
      const next = await rows.next(Math.max(0, index - 1))
      if (next.done) return
      yield next.value
    }
  } finally {
    await rows.return()
  }
}
