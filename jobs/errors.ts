/** The user has a job of this type running; one at a time. */
export class AlreadyRunning extends Error {
  readonly jobId: string
  constructor(jobId: string) {
    super('You already have a search of this type running.')
    this.name = 'AlreadyRunning'
    this.jobId = jobId
  }
}

/** The idempotency key was used before, for a different request. */
export class IdempotencyMismatch extends Error {
  constructor() {
    super('This Idempotency-Key was used before, for a different request.')
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
 * Too many jobs wait for a worker: `all` of everybody's, or this user's (`yours`). Nothing was
 * started; worth another try later.
 */
export class TooManyWaiting extends Error {
  readonly whose: 'all' | 'yours'
  constructor(whose: 'all' | 'yours') {
    super(
      whose === 'all'
        ? 'Too many searches are waiting already. Please try again in a moment.'
        : 'Too many of your searches are waiting already. Please wait until some have begun.',
    )
    this.name = 'TooManyWaiting'
    this.whose = whose
  }
}

/**
 * Why a run may not write any more: its job has ended, a later attempt has taken over, or the store
 * has lost its last moments and with them a part of this run.
 */
export type Refusal = 'ended' | 'overtaken' | 'rolled_back'

/**
 * A write of a run came too late. The run stops quietly; where the store was rolled back, the job
 * is handed back to begin anew.
 */
export class WriteRefused extends Error {
  readonly why: Refusal
  constructor(why: Refusal) {
    super(`This run may not write any more (${why}).`)
    this.name = 'WriteRefused'
    this.why = why
  }
}

/** The job goes back to the queue, for another worker or a new beginning; it has not failed. */
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
 * A search ends on purpose; the message is shown to the user as it is. What it yielded before stays
 * readable.
 */
export class SearchFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SearchFailed'
  }
}

/**
 * A failure that may pass (a busy file, a dropped connection): worth another attempt. The message
 * is shown to the user.
 */
export class PassingError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PassingError'
  }
}

/**
 * What a user is told about an error from another process. What nobody foresaw is for the log and
 * for admins: it names files and addresses.
 */
export function messageFor(error: unknown): string {
  if (error instanceof SearchFailed || error instanceof PassingError || error instanceof TimedOut)
    return error.message
  return unforeseen
}

export const unforeseen =
  'The search failed because of a fault in Searchlight, not because of what was asked. Admins see the details with this search.'

/** Where an error came from, with its causes; null for an ending that a search chose itself. */
export function stackFor(error: unknown): string | null {
  if (error instanceof SearchFailed && error.cause === undefined) return null
  const lines: string[] = []
  for (
    let cause = error;
    cause !== undefined && lines.length < mostCauses;
    cause = cause instanceof Error ? cause.cause : undefined
  )
    lines.push(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause))
  return lines.join('\nCaused by: ').slice(0, mostOfAStack)
}

const mostCauses = 5
const mostOfAStack = 8 * 1024
