import { z } from 'zod'

const Issue = z.object({
  path: z.union([z.string(), z.array(z.union([z.string(), z.number()]))]),
  message: z.string(),
})
const Failure = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    jobId: z.string().optional(),
    issues: z.array(Issue).optional(),
  }),
})

/** One field of an input that the server did not accept. `path` is dotted. */
export interface FieldIssue {
  path: string
  message: string
}

/** The server answered with an error, or with something that is no answer of ours. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** With `already_running`: the job that holds the place. */
  readonly jobId: string | undefined
  readonly issues: FieldIssue[]

  constructor(status: number, failure: z.infer<typeof Failure>['error']) {
    super(failure.message)
    this.name = 'ApiError'
    this.status = status
    this.code = failure.code
    this.jobId = failure.jobId
    this.issues = (failure.issues ?? []).map(({ path, message }) => ({
      path: Array.isArray(path) ? path.join('.') : path,
      message,
    }))
  }
}

/** The server could not be reached at all. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('The server cannot be reached. Check your connection and try again.', { cause })
    this.name = 'Unreachable'
  }
}

export interface Call {
  method?: 'GET' | 'POST' | 'DELETE'
  /** Sent as JSON. */
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Where the server is; empty in the browser, where it is the origin. */
  origin?: string
}

/**
 * Calls the API and parses its answer.
 * @throws {ApiError} when the server says no, {@link Unreachable} when it says nothing
 */
export async function callApi<Answer>(
  path: string,
  schema: z.ZodType<Answer>,
  call: Call = {},
): Promise<Answer> {
  const { method = 'GET', body, headers, signal, origin = '' } = call
  const response = await fetch(`${origin}/api${path}`, {
    method,
    cache: 'no-store',
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new Unreachable(error)
  })
  if (!response.ok) throw await failureOf(response)
  return schema.parse(response.status === 204 ? null : await response.json())
}

async function failureOf(response: Response): Promise<ApiError> {
  const parsed = Failure.safeParse(await response.json().catch(() => null))
  if (parsed.success) return new ApiError(response.status, parsed.data.error)
  return new ApiError(response.status, {
    code: 'internal',
    message: `The server failed to answer (${response.status}).`,
  })
}

/** What went wrong, in a sentence for the person in front of the screen. */
export function sentenceFor(error: unknown): string {
  if (error instanceof ApiError || error instanceof Unreachable) return error.message
  return 'Something went wrong in this page. Reload it and try again.'
}
