import { z } from 'zod'

/** Why the server refused a request; docs/protocol.md says what each means. */
export const ErrorCode = z.enum([
  'unauthenticated',
  'forbidden',
  'not_found',
  'invalid_input',
  'already_running',
  'idempotency_mismatch',
  'not_ended',
  'too_large',
  'rate_limited',
  'overloaded',
  'unavailable',
  'internal',
])
export type ErrorCode = z.infer<typeof ErrorCode>

/** One problem of an input; `path` is dotted, `''` means the whole. */
export const FieldIssue = z.object({ path: z.string(), message: z.string() })
export type FieldIssue = z.infer<typeof FieldIssue>

/** A client takes codes that it doesn't know: later servers may have more. */
const Code = ErrorCode.or(z.string())

/**
 * The body of every HTTP error under `/api`. `/api/auth` refuses in better-auth's own shapes, but
 * reports outages in this one.
 */
export const ErrorAnswer = z.object({
  error: z.looseObject({
    code: Code,
    message: z.string(),
    /** With `already_running`: the job that holds the place. */
    jobId: z.string().optional(),
    /** With `invalid_input`: one per field. */
    issues: z.array(FieldIssue).optional(),
  }),
})
export type ErrorAnswer = z.infer<typeof ErrorAnswer>

/** The acknowledgement of a socket message that failed, or one job's part of it. */
export const Failure = z.object({ error: z.object({ code: Code, message: z.string() }) })
export type Failure = z.infer<typeof Failure>
