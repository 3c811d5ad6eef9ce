import type { ErrorCode } from '#protocol/errors.ts'
import { outageOf, sentenceFor } from '../outage.ts'

/** What a client hears of an unexpected error, and whether its cause is an outage. */
export function failureOf(error: unknown): { code: ErrorCode; message: string; outage: boolean } {
  const outage = outageOf(error)
  const reason = outage ? sentenceFor(outage) : 'Searchlight could not answer.'
  const message = `${reason} Try again in a moment.`
  return { code: outage ? 'unavailable' : 'internal', message, outage: outage !== null }
}
