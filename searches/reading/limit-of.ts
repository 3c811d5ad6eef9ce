import { z } from 'zod'

/**
 * The field that says after how many rows a search stops.
 * @param rows what they are, in the plural
 */
export function limitOf(rows: string) {
  return z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .meta({ title: 'Limit', description: `Stop after this many ${rows}.`, examples: [1_000] })
}
