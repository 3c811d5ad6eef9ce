/** How the queue treats a job: what BullMQ stores of it besides its id and type. */
export interface EntryFacts {
  userId: string
  attempts?: number | undefined
}

/** The data of a job's entry in BullMQ; the rest is in our own record. */
export interface QueuedJob {
  userId: string
}

/** The first retry follows after 50 to 100 % of this; the delay doubles with each further one. */
const firstRetryAfterMs = 1_000
const defaultAttempts = 3

/**
 * BullMQ removes completed entries at once, since the record is ours. Failed ones stay until the
 * reconciler has ended their job in error.
 */
const options = {
  removeOnComplete: true,
  removeOnFail: { age: 24 * 60 * 60 },
  backoff: { type: 'exponential', delay: firstRetryAfterMs, jitter: 0.5 },
}

/** The data and the options of the entry as BullMQ stores them (JSON). */
export function entryOf({ userId, attempts = defaultAttempts }: EntryFacts): {
  data: string
  options: string
} {
  const data: QueuedJob = { userId }
  return { data: JSON.stringify(data), options: JSON.stringify({ ...options, attempts }) }
}
