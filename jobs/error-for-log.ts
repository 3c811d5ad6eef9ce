interface LoggedError {
  type: string
  message: string
  stack: string
  code?: unknown
  cause?: LoggedError
}

const maxCauses = 5

/**
 * An error as log lines show it: what it is and where it comes from, but no values. The errors of
 * drizzle repeat all parameters of a query in their message, such as a new session's token, and
 * those of PostgreSQL repeat values in their details.
 */
export function errorForLog(error: unknown): unknown {
  return error instanceof Error ? describe(error, 0) : error
}

function describe(error: Error, depth: number): LoggedError {
  const query = 'query' in error && 'params' in error ? String(error.query) : null
  const message = query === null ? error.message : `Failed query: ${query}`
  const logged: LoggedError = {
    type: error.name,
    message,
    stack: (error.stack ?? '').replace(error.message, () => message),
  }
  if ('code' in error) logged.code = error.code
  if (error.cause instanceof Error && depth < maxCauses)
    logged.cause = describe(error.cause, depth + 1)
  return logged
}
