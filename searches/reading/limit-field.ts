import { z } from 'zod'

/**
 * The input field that caps the number of rows.
 * @param rows what the rows are, in the plural
 */
export function limitField(rows: string) {
  return z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .meta({ title: 'Limit', description: `Stop after this many ${rows}.`, examples: [1_000] })
}
