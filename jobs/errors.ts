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

/** A write of a run came too late: the job has ended, or a later attempt has taken over. The run stops quietly. */
export class WriteRefused extends Error {
  constructor() {
    super('This run may not write any more: its job has ended or a later attempt has taken over.')
    this.name = 'WriteRefused'
  }
}

/** This worker is shutting down: the job goes back to the queue for another one. */
export class HandBack extends Error {
  constructor() {
    super('The worker is shutting down.')
    this.name = 'HandBack'
  }
}

/** The attempt took longer than its search type allows. */
export class TimedOut extends Error {
  constructor(timeoutMs: number) {
    super(`The search took longer than ${Math.round(timeoutMs / 60_000)} minutes and was stopped.`)
    this.name = 'TimedOut'
  }
}

/** A search ends on purpose; the message is shown to the user as it is. What it yielded before stays readable. */
export class SearchFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SearchFailed'
  }
}

/** A failure that may pass (a busy file, a dropped connection): worth another attempt. The message is shown to the user. */
export class PassingError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PassingError'
  }
}

/** What a user is told about an error from another process; details go to the log. */
export function messageFor(error: unknown): string {
  if (error instanceof SearchFailed || error instanceof PassingError || error instanceof TimedOut) return error.message
  const detail = error instanceof Error ? error.message : String(error)
  return `The search failed unexpectedly: ${detail}`
}
