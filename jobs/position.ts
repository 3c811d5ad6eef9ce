import { z } from 'zod'

/** How far a reader of a job's events is: a `seq` counts only under its epoch. */
export const Position = z.object({ epoch: z.string(), seq: z.number().int().nonnegative() })
export type Position = z.infer<typeof Position>
