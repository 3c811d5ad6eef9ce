import { createRoute, z } from '@hono/zod-openapi'
import { NotEnded } from '#jobs/errors.ts'
import { type Job, type JobInput, JobState } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { deleteArchivedJob } from '#jobs/postgres/delete-archived.ts'
import type { JobPlaces } from '#jobs/postgres/find-rows.ts'
import { deleteJob } from '#jobs/redis/delete-job.ts'
import { JobsPage, StartRequest, Timeline } from '#protocol/answers.ts'
import { findSearch } from '#searches/catalog.ts'
import type { Principal } from '../accounts/authenticate.ts'
import { type CancelDeps, cancelJob } from '../cancel-job.ts'
import { findJob, findTimeline } from '../find-job.ts'
import { listJobs } from '../list-jobs.ts'
import { type StartDeps, startSearch } from '../start-search.ts'
import type { Api } from './api-env.ts'
import { ApiError, invalidInput, issuesOf, notFound } from './api-error.ts'
import { answers, JobId } from './openapi.ts'
import { readJson } from './read-json.ts'
import { mayStart } from './search-routes.ts'

export type JobRoutesDeps = JobPlaces & StartDeps & CancelDeps

const inputBytes = 256 * 1024

const start = createRoute({
  method: 'post',
  path: '/api/jobs',
  summary: 'Start a search',
  request: {
    headers: z.object({
      'idempotency-key': z.string().min(1).max(200).optional().openapi({
        description: 'Within 24 h, the same key and body answer with the same job.',
      }),
    }),
  },
  responses: {
    201: answers.job('The new search'),
    409: answers.error(
      'A search of this type is running (already_running, with its jobId), or the key was used for another body',
    ),
    422: answers.error('The input is invalid: one issue per field'),
    503: answers.error(
      'Too many searches are waiting (overloaded), or Redis or PostgreSQL is out of order (unavailable); Retry-After says when to try again',
    ),
  },
})
const list = createRoute({
  method: 'get',
  path: '/api/jobs',
  summary: 'Your searches, live and archived, newest first',
  request: {
    query: z.object({
      state: JobState.optional(),
      search: z.string().max(64).optional(),
      cursor: z.string().max(200).optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
      user: z
        .string()
        .max(64)
        .optional()
        .openapi({ description: 'For admins: `all`, or the id of a user.' }),
    }),
  },
  responses: {
    200: answers.of('One page', JobsPage),
  },
})
const one = createRoute({
  method: 'get',
  path: '/api/jobs/{id}',
  summary: 'One search',
  request: { params: JobId },
  responses: {
    200: answers.job('The search'),
    404: answers.error('There is no such search, or it belongs to another user'),
  },
})
const timeline = createRoute({
  method: 'get',
  path: '/api/jobs/{id}/timeline',
  summary: 'States and notes of a search',
  request: { params: JobId },
  responses: {
    200: answers.of('In order', Timeline),
  },
})
const cancel = createRoute({
  method: 'post',
  path: '/api/jobs/{id}/cancel',
  summary: 'Cancel a search',
  request: { params: JobId },
  responses: { 200: answers.job('The search; one that had ended before is unchanged') },
})
const rerun = createRoute({
  method: 'post',
  path: '/api/jobs/{id}/rerun',
  summary: 'Start the same search again',
  request: { params: JobId },
  responses: {
    201: answers.job('The new search'),
    409: answers.error('A search of this type is running'),
  },
})
const remove = createRoute({
  method: 'delete',
  path: '/api/jobs/{id}',
  summary: 'Delete an ended search and its rows',
  request: { params: JobId },
  responses: { 204: { description: 'Deleted' }, 409: answers.error('The search is still running') },
})

export function addJobRoutes(api: Api, deps: JobRoutesDeps): void {
  async function mustFind(id: string, viewer: Principal): Promise<Job> {
    const job = await findJob(id, viewer, deps)
    if (!job) throw notFound()
    return job
  }

  async function startAs(user: Principal, name: string, input: JobInput, idempotencyKey?: string) {
    const search = findSearch(name)
    if (!search || !mayStart(search, user))
      throw invalidInput([
        { path: 'search', message: `There is no search “${name}”. GET /api/searches lists them.` },
      ])
    if (Buffer.byteLength(JSON.stringify(input)) > inputBytes)
      throw new ApiError(413, 'too_large', 'The input of a search may hold 256 KB.')
    const parsed = search.input.safeParse(input)
    if (!parsed.success) throw invalidInput(issuesOf(parsed.error, ['input']))
    const { id, replayed } = await startSearch(
      { userId: user.userId, search, input, idempotencyKey },
      deps,
    )
    return { job: await mustFind(id, user), replayed }
  }

  api.openapi(start, async (c) => {
    const body = StartRequest.safeParse(await readJson(c.req.raw))
    if (!body.success) throw invalidInput(bodyIssues(body.error))
    const { search, input } = body.data
    const { job, replayed } = await startAs(
      c.get('principal'),
      search,
      input,
      c.req.header('idempotency-key'),
    )
    c.header('Location', `/api/jobs/${job.id}`)
    if (replayed) c.header('Idempotency-Replayed', 'true')
    return c.json({ job }, 201)
  })

  api.openapi(list, async (c) => {
    const { state, search, cursor, limit, user } = c.req.valid('query')
    const { userId, role } = c.get('principal')
    if (user !== undefined && user !== userId && role !== 'admin')
      throw new ApiError(403, 'forbidden', 'Only admins list the searches of others.')
    const whose = user === 'all' ? undefined : (user ?? userId)
    const { jobs, more } = await listJobs(
      { userId: whose, state, search, before: parseCursor(cursor), limit },
      deps,
    )
    const last = jobs.at(-1)
    return c.json({ jobs, nextCursor: more && last ? `${last.createdAt}~${last.id}` : null }, 200)
  })

  api.openapi(one, async (c) =>
    c.json({ job: await mustFind(c.req.valid('param').id, c.get('principal')) }, 200),
  )

  api.openapi(timeline, async (c) => {
    const job = await mustFind(c.req.valid('param').id, c.get('principal'))
    return c.json({ events: await findTimeline(job, deps) }, 200)
  })

  api.openapi(cancel, async (c) => {
    const { id } = c.req.valid('param')
    const viewer = c.get('principal')
    const job = await mustFind(id, viewer)
    await cancelJob(job, viewer, deps)
    return c.json({ job: await mustFind(id, viewer) }, 200)
  })

  api.openapi(rerun, async (c) => {
    const job = await mustFind(c.req.valid('param').id, c.get('principal'))
    const { job: again } = await startAs(c.get('principal'), job.search, job.input)
    c.header('Location', `/api/jobs/${again.id}`)
    return c.json({ job: again }, 201)
  })

  api.openapi(remove, async (c) => {
    const job = await mustFind(c.req.valid('param').id, c.get('principal'))
    if (isLive(job.state)) throw new NotEnded()
    // The tombstone comes first, so that a late archiver finds it.
    const counted = await deleteArchivedJob(job.id, deps.now(), deps.db)
    await deleteJob(job, { counted }, deps.store)
    return c.body(null, 204)
  })
}

function bodyIssues(error: z.ZodError) {
  const issues = issuesOf(error)
  return issues.some((issue) => issue.path === '')
    ? [{ path: '', message: 'Send a JSON object: {"search": "…", "input": {…}}.' }]
    : issues
}

/** `<createdAt>~<id>` of the previous page's last job. */
function parseCursor(cursor: string | undefined): { createdAt: string; id: string } | undefined {
  if (cursor === undefined) return undefined
  const [createdAt = '', id = ''] = cursor.split('~')
  if (!z.iso.datetime().safeParse(createdAt).success)
    throw invalidInput([{ path: 'cursor', message: 'Send the nextCursor of the previous page.' }])
  return { createdAt, id }
}
