import { AlreadyRunning, IdempotencyMismatch, NotEnded, TooManyWaiting } from '#jobs/errors.ts'
import type { ErrorCode, FieldIssue } from '#protocol/errors.ts'

type ErrorStatus = 401 | 403 | 404 | 409 | 413 | 422 | 429 | 500 | 503

/** Ends a request with an answer that a program can act on. */
export class ApiError extends Error {
  readonly status: ErrorStatus
  readonly code: ErrorCode
  readonly details: { jobId?: string; issues?: FieldIssue[] }
  constructor(
    status: ErrorStatus,
    code: ErrorCode,
    message: string,
    details: ApiError['details'] = {},
  ) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.details = details
  }
}

export const notFound = () => new ApiError(404, 'not_found', 'There is no such search.')

export function invalidInput(issues: FieldIssue[]): ApiError {
  const [first] = issues
  const message =
    issues.length === 1 && first ? first.message : `${issues.length} fields need another value.`
  return new ApiError(422, 'invalid_input', message, { issues })
}

/** @param under the path of the value that was parsed, within the request's body */
export function issuesOf(
  error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] },
  under: string[] = [],
): FieldIssue[] {
  return error.issues.map((issue) => ({
    path: [...under, ...issue.path].map(String).join('.'),
    message: issue.message,
  }))
}

/** The answer for an error of the domain; null for an unforeseen one. */
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
