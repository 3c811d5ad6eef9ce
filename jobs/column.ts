import { z } from 'zod'

/** One column of a search's table. */
export const Column = z.object({
  /** The row's property. */
  key: z.string(),
  label: z.string(),
  /** `domain` and `url` are shown as links, `date` is ISO 8601, `number` is right-aligned. */
  type: z.enum(['text', 'number', 'date', 'url', 'domain', 'boolean']),
  unit: z.string().optional(),
  /** The meaning of the values, in one sentence; shown as help above the column. */
  help: z.string().optional(),
})
export type Column = z.infer<typeof Column>

/** The columns by which rows are ordered, the deciding one first. */
export const RowOrder = z.array(z.object({ key: z.string(), descending: z.boolean() })).min(1)
export type RowOrder = z.infer<typeof RowOrder>
