import { getConnInfo } from '@hono/node-server/conninfo'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Log } from '#jobs/log.ts'
import type { Me } from '#protocol/answers.ts'
import type { ErrorAnswer } from '#protocol/errors.ts'
import type { Principal } from '../accounts/authenticate.ts'
import { addAdminRoutes } from './admin-routes.ts'
import type { Api, ApiEnv } from './api-env.ts'
import { ApiError, apiErrorOf, invalidInput, issuesOf } from './api-error.ts'
import type { EventRoutesDeps } from './event-routes.ts'
import { addEventRoutes } from './event-routes.ts'
import { addJobRoutes, type JobRoutesDeps } from './job-routes.ts'
import { addRowRoutes } from './row-routes.ts'
import { addSearchRoutes } from './search-routes.ts'

export interface ApiDeps extends JobRoutesDeps, EventRoutesDeps {
  authenticate(headers: Headers): Promise<Principal | null>
  /** Whether a call that changes something may use the cookie it carries. */
  originAllowed(headers: Headers): boolean
  signUpOpen(): Promise<boolean>
  /** better-auth's own routes. */
  authHandler(request: Request, clientAddress: string | undefined): Promise<Response>
  /** Resolves when Redis and PostgreSQL answer. */
  ready(): Promise<void>
  metrics(): Promise<{ contentType: string; text: string }>
  log: Log
}

const authBodyBytes = 64 * 1024

/** Everything that the server answers except pages and sockets. */
export function createApi(deps: ApiDeps): Api {
  const { log } = deps
  const api: Api = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidInput(issuesOf(result.error))
    },
  })

  api.onError((cause, c) => {
    const error = apiErrorOf(cause)
    if (error) {
      if (error.code === 'overloaded') c.header('Retry-After', '5')
      return c.json(
        { error: { code: error.code, message: error.message, ...error.details } },
        error.status,
      )
    }
    log.error({ err: cause, path: c.req.path }, 'A request failed')
    const message = 'Searchlight could not answer. Nothing was lost; try again in a moment.'
    const answer: ErrorAnswer = { error: { code: 'internal', message } }
    return c.json(answer, isOutage(cause) ? 503 : 500)
  })
  api.notFound((c) =>
    c.json({ error: { code: 'not_found', message: `There is nothing at ${c.req.path}.` } }, 404),
  )

  api.get('/healthz', (c) => c.text('ok'))
  api.get('/readyz', async (c) => {
    await deps.ready()
    return c.text('ready')
  })
  api.get('/metrics', async (c) => {
    const { contentType, text } = await deps.metrics()
    return c.body(text, 200, { 'Content-Type': contentType })
  })

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
      description: 'Start searches, watch them live, read what they found.',
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

/** Whether Redis or PostgreSQL is out of reach, so that trying again helps. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'MaxRetriesPerRequestError' || error.message.includes('Connection is closed'))
    return true
  if (error.cause !== undefined && isOutage(error.cause)) return true
  const { code } = error as { code?: unknown }
  return (
    typeof code === 'string' &&
    (code === 'ECONNREFUSED' ||
      code === 'ECONNRESET' ||
      code.startsWith('57P') ||
      code.startsWith('08'))
  )
}
