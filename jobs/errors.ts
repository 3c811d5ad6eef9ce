/** The user has an active job of this type; only one is allowed at a time. */
export class AlreadyRunning extends Error {
  readonly jobId: string
  constructor(jobId: string) {
    super('You already have a search of this type running. Cancel it, or wait until it ends.')
    this.name = 'AlreadyRunning'
    this.jobId = jobId
  }
}

/** The idempotency key was used before, for a different request. */
export class IdempotencyMismatch extends Error {
  constructor() {
    super('This Idempotency-Key was used before, for a different request. Use a new key.')
    this.name = 'IdempotencyMismatch'
  }
}

/** The job has not ended, so it can't be deleted. */
export class NotEnded extends Error {
  constructor() {
    super('This search is still running. Cancel it first.')
    this.name = 'NotEnded'
  }
}

/**
 * Too many jobs are waiting for a worker: those of `all` users together, or this user's own
 * (`yours`). Nothing was started; a later try may succeed.
 */
export class TooManyWaiting extends Error {
  readonly whose: 'all' | 'yours'
  constructor(whose: 'all' | 'yours') {
    super(
      whose === 'all'
        ? 'Too many searches are waiting. Try again in a moment.'
        : 'Too many of your searches are waiting. Try again when some of them have started.',
    )
    this.name = 'TooManyWaiting'
    this.whose = whose
  }
}

/**
 * Why a run may no longer write: its job has ended, a later attempt has taken over, or the store
 * lost its latest writes and with them a part of this run.
 */
export type Refusal = 'ended' | 'overtaken' | 'rolled_back'

/**
 * The store refused a write. The run stops quietly; after a rollback of the store, the job is also
 * handed back to start over.
 */
export class WriteRefused extends Error {
  readonly why: Refusal
  constructor(why: Refusal) {
    super(`This run may no longer write (${why}).`)
    this.name = 'WriteRefused'
    this.why = why
  }
}

/** The job returns to the queue and starts over, on this worker or another. It has not failed. */
export class HandBack extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'HandBack'
  }
}

/** The attempt took longer than its search type allows. */
export class TimedOut extends Error {
  constructor(timeoutMs: number) {
    const [time, unit] =
      timeoutMs < 60_000 ? [timeoutMs / 1000, 'second'] : [Math.round(timeoutMs / 60_000), 'minute']
    super(`The search took longer than ${time} ${unit}${time === 1 ? '' : 's'} and was stopped.`)
    this.name = 'TimedOut'
  }
}

/**
 * A search ends itself in error. Users see the message as it is; the rows it yielded before stay
 * readable.
 */
export class SearchFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SearchFailed'
  }
}

/**
 * A failure that may pass, such as a busy file or a dropped connection: worth another attempt.
 * Users see the message as it is.
 */
export class PassingError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PassingError'
  }
}

/**
 * The message that users see for an error in a worker. Details of an unforeseen error go to the log
 * and to admins only, because they name files and addresses.
 */
export function messageFor(error: unknown): string {
  if (error instanceof SearchFailed || error instanceof PassingError || error instanceof TimedOut)
    return error.message
  return unforeseen
}

export const unforeseen =
  'The search failed because of an error in Searchlight, not because of your input. Admins can see the details on its page.'

/** The stack of an error and of its causes; null if a search ended itself without a cause. */
export function stackFor(error: unknown): string | null {
  if (error instanceof SearchFailed && error.cause === undefined) return null
  const lines: string[] = []
  for (
    let cause = error;
    cause !== undefined && lines.length < maxCauses;
    cause = cause instanceof Error ? cause.cause : undefined
  )
    lines.push(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause))
  return lines.join('\nCaused by: ').slice(0, maxStackLength)
}

const maxCauses = 5
const maxStackLength = 8 * 1024
