/** A failure that the user has to fix. Only its message is printed. */
export class CannotStart extends Error {
  override name = 'CannotStart'
}

/** The text to print for a failure: the message of a `CannotStart`, the stack of any other error. */
export function failureMessage(error: unknown): string {
  if (error instanceof CannotStart) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
