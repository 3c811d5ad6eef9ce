import { CallFailed } from '#protocol/client/call-api.ts'

/** Tells our digests from those that Next makes. */
const prefix = 'reason: '

/**
 * Gives an outage's error the reason as its digest. In production, Next hides the messages of
 * errors in server components from the browser, but hands on a digest that they have.
 */
export function withReason(error: unknown): unknown {
  return error instanceof CallFailed && error.status === 503
    ? Object.assign(error, { digest: `${prefix}${error.message}` })
    : error
}

/** The reason of an error that a page failed with, for the person at the screen. */
export function reasonOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('digest' in error)) return null
  const { digest } = error
  return typeof digest === 'string' && digest.startsWith(prefix)
    ? digest.slice(prefix.length)
    : null
}
