import type { Context } from 'hono'
import { type Outage, refusedAll, sentenceFor, todoFor } from '../outage.ts'
import type { ApiEnv } from './api-env.ts'
import { ApiError } from './api-error.ts'

/**
 * The answer to a request that could not be done.
 * @param outage null if the request took too long, although Redis and PostgreSQL work
 */
export function unavailable(outage: Outage | null, c: Context<ApiEnv>): ApiError {
  const reason = outage ? sentenceFor(outage) : 'Searchlight took too long to answer.'
  const todo = outage ? todoFor(outage) : 'see whether the server is overloaded.'
  return new ApiError(
    503,
    'unavailable',
    `${reason} ${effectOn(c, outage)} If you run this installation: ${todo}`,
  )
}

/** What became of the request, as far as we know, and what its sender should do. */
function effectOn(c: Context<ApiEnv>, outage: Outage | null): string {
  const { method, path } = c.req
  if (method === 'GET' || method === 'HEAD') return 'Nothing was lost. Try again in a moment.'
  if (path.startsWith('/api/auth/sign-in'))
    return 'You are not signed in yet. Try again in a moment.'
  const starts = path === '/api/jobs' || path.endsWith('/rerun')
  // Without a principal, the outage came before the change was tried.
  const tried = path.startsWith('/api/auth/') || c.get('principal') !== undefined
  if (!tried || (outage && refusedAll(outage)))
    return `Nothing was ${starts ? 'started' : 'changed'}. Try again in a moment.`
  if (!starts) return 'The change may still be made. Look before you try again.'
  return c.req.header('idempotency-key') === undefined
    ? 'Your search may have been started. Look at your list before you try again.'
    : 'Your search may have been started. Look at your list, or try again with the same Idempotency-Key.'
}
