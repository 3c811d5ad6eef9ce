/** Something a person has to know or do before this can work; the message is all that is shown. */
export class CannotStart extends Error {
  override name = 'CannotStart'
}

/**
 * What to print of a failure: the sentence where there is one, the stack where it is our own fault.
 */
export function tellFailure(error: unknown): string {
  if (error instanceof CannotStart) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
