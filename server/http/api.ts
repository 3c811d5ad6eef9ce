import { getConnInfo } from '@hono/node-server/conninfo'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Log } from '#jobs/log.ts'
import type { Me } from '#protocol/answers.ts'
import type { ErrorAnswer } from '#protocol/errors.ts'
import type { Principal } from '../accounts/authenticate.ts'
import type { Health } from '../health.ts'
import { outageOf } from '../outage.ts'
import { addAdminRoutes } from './admin-routes.ts'
import { answerWithin, Overdue } from './answer-within.ts'
import type { Api, ApiEnv } from './api-env.ts'
import { ApiError, apiErrorOf, invalidInput, issuesOf } from './api-error.ts'
import type { EventRoutesDeps } from './event-routes.ts'
import { addEventRoutes } from './event-routes.ts'
import { addJobRoutes, type JobRoutesDeps } from './job-routes.ts'
import { addRowRoutes } from './row-routes.ts'
import { addSearchRoutes } from './search-routes.ts'
import { unavailable } from './unavailable.ts'

export interface ApiDeps extends JobRoutesDeps, EventRoutesDeps {
  authenticate(headers: Headers): Promise<Principal | null>
  /** Whether a call that changes something may use the cookie it carries. */
  originAllowed(headers: Headers): boolean
  signUpOpen(): Promise<boolean>
  /** better-auth's own routes. */
  authHandler(request: Request, clientAddress: string | undefined): Promise<Response>
  /** Resolves in time, whatever hangs. */
  checkHealth(): Promise<Health>
  /** How long a request may take; after that, it is answered with the reason. */
  requestMs: number
  metrics(): Promise<{ contentType: string; text: string }>
  log: Log
}

const authBodyBytes = 64 * 1024
const retryAfterSeconds = '5'

/** Everything that the server answers except pages and sockets. */
export function createApi(deps: ApiDeps): Api {
  const { log } = deps
  const api: Api = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidInput(issuesOf(result.error))
    },
  })

  api.onError(async (cause, c) => {
    const error = apiErrorOf(cause) ?? (await outageError(cause, c))
    if (error) {
      if (error.status === 503) c.header('Retry-After', retryAfterSeconds)
      return c.json(
        { error: { code: error.code, message: error.message, ...error.details } },
        error.status,
      )
    }
    log.error({ err: cause, path: c.req.path }, 'A request failed')
    const message =
      'Searchlight could not answer because of an error of its own. Its log says more.'
    return c.json({ error: { code: 'internal', message } } satisfies ErrorAnswer, 500)
  })

  /** The answer if Redis or PostgreSQL is out of order; null for other errors. */
  async function outageError(cause: Error, c: Context<ApiEnv>): Promise<ApiError | null> {
    const overdue = cause instanceof Overdue
    const outage = overdue ? ((await deps.checkHealth()).outages[0] ?? null) : outageOf(cause)
    if (!outage && !overdue) return null
    log.warn({ err: cause, path: c.req.path, outage }, 'A request could not be answered')
    return unavailable(outage, c)
  }
  api.notFound((c) =>
    c.json({ error: { code: 'not_found', message: `There is nothing at ${c.req.path}.` } }, 404),
  )

  api.get('/healthz', (c) => c.text('ok'))
  api.get('/readyz', async (c) => {
    const { problems, warnings } = await deps.checkHealth()
    const ready = problems.length === 0
    return c.json({ ready, problems, warnings }, ready ? 200 : 503)
  })
  api.get('/metrics', async (c) => {
    const { contentType, text } = await deps.metrics()
    return c.body(text, 200, { 'Content-Type': contentType })
  })

  api.use('/api/*', answerWithin(deps.requestMs))
  api.use('/api/auth/*', async (c, next) => {
    // better-auth reads the whole body into memory, so its length must be known and small.
    const long = Number(c.req.header('content-length') ?? 0) > authBodyBytes
    if (long || c.req.header('transfer-encoding'))
      throw new ApiError(413, 'too_large', 'A sign-in request may hold 64 KB.')
    await next()
  })
  api.all('/api/auth/*', (c) => deps.authHandler(c.req.raw, getConnInfo(c).remote.address))
  api.get('/api/me', async (c) => {
    const principal = await deps.authenticate(c.req.raw.headers)
    const user = principal && {
      id: principal.userId,
      email: principal.email,
      name: principal.name,
      role: principal.role,
    }
    const signUp = (await deps.signUpOpen()) ? 'open' : 'closed'
    return c.json({ user, signUp } satisfies Me)
  })
  api.doc31('/api/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Searchlight',
      version: '1',
      description:
        'Start searches, watch them live, read what they found. While Redis or PostgreSQL is out of order, any call may answer 503 `unavailable` with Retry-After.',
    },
  })

  api.use('/api/*', async (c, next) => {
    const principal = await deps.authenticate(c.req.raw.headers)
    if (!principal)
      throw new ApiError(
        401,
        'unauthenticated',
        'Sign in, or send an API key: Authorization: Bearer <key>.',
      )
    const changes = c.req.method !== 'GET' && c.req.method !== 'HEAD'
    if (changes && principal.via.kind === 'session' && !deps.originAllowed(c.req.raw.headers)) {
      throw new ApiError(403, 'forbidden', 'This request comes from another site’s page.')
    }
    c.set('principal', principal)
    await next()
    c.header('Cache-Control', 'no-store')
  })

  addSearchRoutes(api)
  addJobRoutes(api, deps)
  addRowRoutes(api, deps)
  addEventRoutes(api, deps)
  addAdminRoutes(api, deps)
  return api
}
