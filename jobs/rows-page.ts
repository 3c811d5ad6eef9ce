import { z } from 'zod'
import { RowData } from './events.ts'

/** A range of the rows of a job's current attempt. */
export const RowsPage = z.object({
  attempt: z.number().int().nonnegative(),
  /** Index of the first row of the page. */
  from: z.number().int().nonnegative(),
  rows: z.array(RowData),
  /** All rows of the attempt so far, not only this page's. */
  rowCount: z.number().int().nonnegative(),
})
export type RowsPage = z.infer<typeof RowsPage>
