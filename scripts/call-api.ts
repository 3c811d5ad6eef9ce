import { z } from 'zod'

/** Ends the command with a sentence. */
export class CannotCall extends Error {}

export interface CallApi {
  url: string
  apiKey: string
  /** @throws {CannotCall} with what the server says */
  call(method: string, path: string, body?: unknown): Promise<unknown>
}

const Failure = z.object({
  error: z.object({
    message: z.string(),
    issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  }),
})

/** The public API, by `SEARCHLIGHT_URL` and `SEARCHLIGHT_KEY`; null without a key. */
export function apiFromEnvironment(
  environment: Record<string, string | undefined>,
): CallApi | null {
  const url = environment.SEARCHLIGHT_URL || 'http://localhost:3000'
  const apiKey = environment.SEARCHLIGHT_KEY
  if (!apiKey) return null
  return {
    url,
    apiKey,
    async call(method, path, body) {
      const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' }
      const response = await fetch(`${url}${path}`, {
        method,
        headers,
        ...(body ? { body: JSON.stringify(body) } : {}),
      }).catch(() => {
        throw new CannotCall(
          `There is no Searchlight at ${url}. Start it with npm start, or set SEARCHLIGHT_URL.`,
        )
      })
      const answer = await response.json()
      if (response.ok) return answer
      const { message, issues } = Failure.parse(answer).error
      throw new CannotCall(
        [message, ...(issues ?? []).map((issue) => `  ${issue.path}: ${issue.message}`)].join('\n'),
      )
    },
  }
}
