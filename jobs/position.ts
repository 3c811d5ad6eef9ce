import { z } from 'zod'

/** The last event that a reader of a job has seen. A `seq` counts only under its epoch. */
export const Position = z.object({ epoch: z.string(), seq: z.number().int().nonnegative() })
export type Position = z.infer<typeof Position>
