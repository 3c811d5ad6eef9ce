import { apiAt, CallFailed, Unreachable } from '#protocol/client/call-api.ts'

/** Calls the API of the page's own server. */
export const callApi = apiAt()

/** An error in a sentence for the person at the screen. */
export function sentenceFor(error: unknown): string {
  if (error instanceof CallFailed || error instanceof Unreachable) return error.message
  return 'Something went wrong on this page. Reload it and try again.'
}
