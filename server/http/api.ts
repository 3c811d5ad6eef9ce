import { getConnInfo } from '@hono/node-server/conninfo'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Log } from '#jobs/log.ts'
import type { Me } from '#protocol/answers.ts'
import type { ErrorAnswer } from '#protocol/errors.ts'
import type { Principal } from '../accounts/authenticate.ts'
import { archiveBehindSeconds, type Health, type Upkeep } from '../health.ts'
import { type Outage, outageOf, ServiceTimeout } from '../outage.ts'
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
  /** How long a request may take until its answer begins. */
  requestMs: number
  /** Answers within 2 s. */
  health(): Promise<Health>
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
    const outage = outageOf(cause)
    if (outage) {
      log.warn({ err: cause, path: c.req.path, part: outage.part }, 'A request met an outage')
      c.header('Retry-After', '5')
      const message = `${outage.problem} ${adviceOf(outage, c.req.method)}`
      return c.json({ error: { code: 'unavailable', message } } satisfies ErrorAnswer, 503)
    }
    log.error({ err: cause, path: c.req.path }, 'A request failed')
    const message = 'Searchlight could not answer because of an error in it. Try again in a moment.'
    return c.json({ error: { code: 'internal', message } } satisfies ErrorAnswer, 500)
  })
  api.notFound((c) =>
    c.json({ error: { code: 'not_found', message: `There is nothing at ${c.req.path}.` } }, 404),
  )

  api.use(async (_c, next) => withinTime(next(), deps.requestMs))
  api.get('/healthz', (c) => c.text('ok'))
  api.get('/readyz', async (c) => {
    const { problems, upkeep } = await deps.health()
    const ready = problems.length === 0
    return c.json({ ready, problems, warnings: warningsOf(upkeep) }, ready ? 200 : 503)
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

/** What an operator should look at although requests are answered. */
function warningsOf(upkeep: Upkeep | null): string[] {
  if (!upkeep) return []
  const { workers, archiveLagSeconds, paused } = upkeep
  const warnings: string[] = []
  if (workers === 0) warnings.push('No worker is running, so searches wait.')
  if (paused.length > 0) warnings.push(`These searches are paused: ${paused.join(', ')}.`)
  if (archiveLagSeconds > archiveBehindSeconds)
    warnings.push(`The archive is ${Math.round(archiveLagSeconds)} s behind.`)
  return warnings
}

const mayBeDone = 'It is not known whether your request was carried out; look before you repeat it.'

function adviceOf({ undone }: Outage, method: string): string {
  if (method === 'GET' || method === 'HEAD') return 'Nothing was lost. Try again in a moment.'
  return undone ? 'Nothing was changed. Try again in a moment.' : mayBeDone
}

/** Rejects if the request takes longer; its work goes on, but its answer is discarded. */
async function withinTime(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ServiceTimeout()), ms)
  })
  try {
    await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
