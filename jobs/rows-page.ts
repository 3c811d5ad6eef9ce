import { z } from 'zod'
import { RowData } from './events.ts'

/** Some rows of a job's current attempt. */
export const RowsPage = z.object({
  attempt: z.number().int().nonnegative(),
  /** Index of the first row of the page. */
  from: z.number().int().nonnegative(),
  rows: z.array(RowData),
  /** Rows of the attempt in all, as of this answer. */
  rowCount: z.number().int().nonnegative(),
})
export type RowsPage = z.infer<typeof RowsPage>
