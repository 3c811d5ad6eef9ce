import type { Row } from '../define-search.ts'
import type { Job } from '../job.ts'
import { readRows } from '../redis/read-job.ts'
import type { JobStore } from '../redis/store.ts'
import type { RowsPage } from '../rows-page.ts'
import type { Database } from './connect.ts'
import { readArchivedRows } from './read-archive.ts'

/** Where jobs are: live and just ended ones in Redis, the others in the archive. */
export interface JobPlaces {
  store: JobStore
  db: Database
}

/** A page of a job's rows. */
export async function findRows(
  job: Job,
  page: { from: number; limit: number },
  { store, db }: JobPlaces,
): Promise<RowsPage> {
  const live = await readRows(job.id, page, store)
  if (live) return live
  return {
    attempt: job.attempt,
    from: page.from,
    rows: await readArchivedRows(job.id, page, db),
    rowCount: job.rowCount,
  }
}

const rowsPerPage = 1_000

/** All rows of a job in order, page by page. Ends early if a new attempt begins meanwhile. */
export async function* allRows(job: Job, places: JobPlaces): AsyncGenerator<Row[]> {
  for (let from = 0; ; ) {
    const page = await findRows(job, { from, limit: rowsPerPage }, places)
    if (page.rows.length === 0 || page.attempt !== job.attempt) return
    yield page.rows
    from += page.rows.length
  }
}
