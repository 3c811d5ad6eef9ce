import { z } from 'zod'

/** What a job that has not started waits for. */
export const Waiting = z.object({
  /** How many jobs of its type start before it. */
  ahead: z.number().int().nonnegative(),
  /** There are more than `ahead`; counting them would take too long. */
  more: z.boolean(),
  /** About when it starts, by how long the latest jobs of its type took; null if unknown. */
  startsInMs: z.number().int().nonnegative().nullable(),
  /** Why nothing starts: an admin has paused its type, or no worker that runs it is alive. */
  reason: z.enum(['paused', 'no_worker']).nullable(),
})
export type Waiting = z.infer<typeof Waiting>

export interface QueueFacts {
  paused: boolean
  /** How many jobs of the type all workers together run at once. */
  slots: number
  /** How long a job of the type takes, in ms; null if none has completed. */
  typicalMs: number | null
}

/** @param ahead in the queue; `more` if there are more than that */
export function waitingOf(
  ahead: number,
  more: boolean,
  { paused, slots, typicalMs }: QueueFacts,
): Waiting {
  const reason = paused ? 'paused' : slots === 0 ? 'no_worker' : null
  // Workers take a job whenever one of their slots is free: on average, half a job's time from now.
  const turns = Math.floor(ahead / Math.max(slots, 1)) + 0.5
  const startsInMs =
    reason !== null || more || typicalMs === null ? null : Math.round(turns * typicalMs)
  return { ahead, more, startsInMs, reason }
}
