import type { ApiAddress } from '#protocol/client/call-api.ts'
import { CallFailed, Unreachable } from '#protocol/client/call-api.ts'

/** A failure whose message is all that the command prints. */
export class CannotCall extends Error {}

/** A server and the key to call it with. */
export type ServerAddress = Required<ApiAddress>

/** The server named by `SEARCHLIGHT_URL` and `SEARCHLIGHT_KEY`; null without a key. */
export function serverFromEnvironment(
  environment: Record<string, string | undefined>,
): ServerAddress | null {
  const apiKey = environment.SEARCHLIGHT_KEY
  if (!apiKey) return null
  return { origin: environment.SEARCHLIGHT_URL || 'http://localhost:3000', apiKey }
}

/** Turns the error of a call into a message for the terminal, with one line per invalid field. */
export function explained(error: unknown, { origin }: ServerAddress): unknown {
  if (error instanceof Unreachable)
    return new CannotCall(
      `No Searchlight answers at ${origin}. Start it with npm start, or set SEARCHLIGHT_URL.`,
    )
  if (!(error instanceof CallFailed)) return error
  const issues = error.issues.map(({ path, message }) => `  ${path}: ${message}`)
  return new CannotCall([error.message, ...issues].join('\n'))
}
