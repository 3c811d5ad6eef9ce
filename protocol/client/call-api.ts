import type { z } from 'zod'
import { ErrorAnswer, type FieldIssue } from '../errors.ts'

/** The server refused the call, or a proxy answered in its place. */
export class CallFailed extends Error {
  readonly status: number
  readonly code: string
  /** With `already_running`: the job that holds the place. */
  readonly jobId: string | undefined
  readonly issues: readonly FieldIssue[]

  constructor(status: number, { code, message, jobId, issues = [] }: ErrorAnswer['error']) {
    super(message)
    this.name = 'CallFailed'
    this.status = status
    this.code = code
    this.jobId = jobId
    this.issues = issues
  }
}

/** The server could not be reached. */
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
}

/** A program names the server and sends its key; a page calls its own origin with its cookie. */
export interface ApiAddress {
  /** `http://localhost:3000`; empty in a page. */
  origin?: string
  apiKey?: string | undefined
}

/** @param path below `/api`, with its query */
export type CallApi = <Answer>(
  path: string,
  schema: z.ZodType<Answer>,
  call?: Call,
) => Promise<Answer>

/**
 * Makes the function that calls the API and parses its answers.
 * It throws {@link CallFailed} when the server refuses, {@link Unreachable} when there is none, and
 * the signal's reason when it aborts.
 */
export function apiAt({ origin = '', apiKey }: ApiAddress = {}): CallApi {
  return async (path, schema, { method = 'GET', body, headers, signal } = {}) => {
    const response = await fetch(`${origin}/api${path}`, {
      method,
      cache: 'no-store',
      headers: {
        accept: 'application/json',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
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
}

async function failureOf(response: Response): Promise<CallFailed> {
  const { data } = ErrorAnswer.safeParse(await response.json().catch(() => null))
  const message = `The server failed to answer (${response.status}). Try again.`
  return new CallFailed(response.status, data?.error ?? { code: 'internal', message })
}
