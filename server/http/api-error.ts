import { AlreadyRunning, IdempotencyMismatch, NotEnded, TooManyWaiting } from '#jobs/errors.ts'

export type ErrorCode =
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'invalid_input'
  | 'already_running'
  | 'idempotency_mismatch'
  | 'not_ended'
  | 'too_large'
  | 'rate_limited'
  | 'overloaded'
  | 'internal'

export type ErrorStatus = 401 | 403 | 404 | 409 | 413 | 422 | 429 | 500 | 503

/** Ends a request with an answer that a program can act on. */
export class ApiError extends Error {
  readonly status: ErrorStatus
  readonly code: ErrorCode
  readonly details: object
  constructor(status: ErrorStatus, code: ErrorCode, message: string, details: object = {}) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.details = details
  }
}

export const notFound = () => new ApiError(404, 'not_found', 'There is no such search.')

/** One problem of an input; `path` names the field, `''` the whole. */
export interface InputIssue {
  path: string
  message: string
}

export function invalidInput(issues: InputIssue[]): ApiError {
  const [first] = issues
  const message =
    issues.length === 1 && first ? first.message : `${issues.length} fields need another value.`
  return new ApiError(422, 'invalid_input', message, { issues })
}

export function issuesOf(
  error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] },
  under: string[] = [],
): InputIssue[] {
  return error.issues.map((issue) => ({
    path: [...under, ...issue.path].map(String).join('.'),
    message: issue.message,
  }))
}

/** The answer to whatever went wrong; null for what nobody foresaw. */
export function apiErrorOf(error: unknown): ApiError | null {
  if (error instanceof ApiError) return error
  if (error instanceof AlreadyRunning)
    return new ApiError(409, 'already_running', error.message, { jobId: error.jobId })
  if (error instanceof IdempotencyMismatch)
    return new ApiError(409, 'idempotency_mismatch', error.message)
  if (error instanceof NotEnded) return new ApiError(409, 'not_ended', error.message)
  if (error instanceof TooManyWaiting) return new ApiError(503, 'overloaded', error.message)
  return null
}
