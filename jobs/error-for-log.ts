/** An error as a log line shows it. */
export interface LoggedError {
  type: string
  message: string
  stack: string
  code?: string
  /** PostgreSQL's names for the object that the error is about. */
  table?: string
  constraint?: string
  cause?: LoggedError
}

const maxCauses = 5

/**
 * Describes an error and its causes without the values that a command carried: they include
 * passwords, session tokens and the inputs of searches. drizzle puts parameters into its messages,
 * PostgreSQL puts refused rows into `detail`, and ioredis attaches the command's arguments. So only
 * named properties are copied. Pass it to pino as the serializer of `err`.
 */
export function errorForLog(error: unknown, causes = maxCauses): LoggedError {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'A value was thrown that is not an error', stack: '' }
  const message = messageWithoutValues(error)
  const { code, table, constraint }: { [name: string]: unknown } = { ...error }
  return {
    type: error.name,
    message,
    stack: stackWithoutValues(error, message),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof table === 'string' ? { table } : {}),
    ...(typeof constraint === 'string' ? { constraint } : {}),
    ...(error.cause instanceof Error && causes > 0
      ? { cause: errorForLog(error.cause, causes - 1) }
      : {}),
  }
}

function messageWithoutValues(error: Error): string {
  // drizzle's "Failed query: … params: …"; the query itself has placeholders.
  if ('query' in error && 'params' in error) return `Failed query: ${error.query}`
  // PostgreSQL's data exceptions quote the value: invalid input syntax for type integer: "…"
  if ('code' in error && typeof error.code === 'string' && /^22...$/.test(error.code))
    return error.message.replace(/".*"/s, '"…"')
  return error.message
}

/** The stack begins with the name and message that the error was created with. */
function stackWithoutValues(error: Error, message: string): string {
  const stack = error.stack ?? ''
  if (message === error.message) return stack
  const frames = stack.search(/\n {4}at /)
  return `${error.name}: ${message}${frames === -1 ? '' : stack.slice(frames)}`
}
