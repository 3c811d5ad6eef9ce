import { createRoute, z } from '@hono/zod-openapi'
import { countJobs } from '#jobs/redis/job-lists.ts'
import { keys } from '#jobs/redis/keys.ts'
import { allShards } from '#jobs/redis/store.ts'
import { readWorkers } from '#jobs/redis/worker-registry.ts'
import { QueuePaused, Stack, Stats, Workers } from '#protocol/answers.ts'
import { catalog, findSearch } from '#searches/catalog.ts'
import { findJob, findStack } from '../find-job.ts'
import type { Api } from './api-env.ts'
import { ApiError, invalidInput, notFound } from './api-error.ts'
import type { JobRoutesDeps } from './job-routes.ts'
import { answers, JobId } from './openapi.ts'

const stats = createRoute({
  method: 'get',
  path: '/api/admin/stats',
  summary: 'Number of searches in each state and in the queues',
  responses: { 200: answers.of('As of now', Stats) },
})
const workers = createRoute({
  method: 'get',
  path: '/api/admin/workers',
  summary: 'The worker processes that are alive, and what each runs',
  responses: { 200: answers.of('As of now', Workers) },
})
const stack = createRoute({
  method: 'get',
  path: '/api/admin/jobs/{id}/stack',
  summary: 'Stack trace of a search’s error',
  request: { params: JobId },
  responses: {
    200: answers.of('Null when the search has no error', Stack),
    404: answers.error('There is no such search'),
  },
})
const setPaused = createRoute({
  method: 'post',
  path: '/api/admin/queue/{action}',
  summary: 'Pause or resume the queues: while paused, workers get no searches',
  request: {
    params: z.object({ action: z.enum(['pause', 'resume']) }),
    query: z.object({
      search: z.string().max(64).optional().openapi({ description: 'Only this type of search.' }),
    }),
  },
  responses: {
    200: answers.of('As of now', QueuePaused),
    422: answers.error('There is no such type of search'),
  },
})

export function addAdminRoutes(api: Api, deps: JobRoutesDeps): void {
  const { store, queues } = deps
  const allQueues = () =>
    catalog.flatMap(({ name: search }) =>
      allShards(store).map((shard) => ({ search, shard, queue: queues.of(search, shard) })),
    )
  api.use('/api/admin/*', async (c, next) => {
    if (c.get('principal').role !== 'admin')
      throw new ApiError(403, 'forbidden', 'This is for admins.')
    await next()
  })

  api.openapi(stats, async (c) => {
    const perQueue = allQueues().map(async ({ search, shard, queue }) => {
      const counts = await queue.getJobCounts('waiting', 'active', 'delayed')
      const { waiting = 0, active = 0, delayed = 0 } = counts
      const paused = await queue.isPaused()
      return { search, shard: shard.number, waiting, active, delayed, paused }
    })
    return c.json({ counts: await countJobs(store), queues: await Promise.all(perQueue) }, 200)
  })

  api.openapi(workers, async (c) => c.json({ workers: await readWorkers(store) }, 200))

  api.openapi(stack, async (c) => {
    const { id } = c.req.valid('param')
    if (!(await findJob(id, c.get('principal'), deps))) throw notFound()
    return c.json({ stack: await findStack(id, deps) }, 200)
  })

  api.openapi(setPaused, async (c) => {
    const paused = c.req.valid('param').action === 'pause'
    const { search } = c.req.valid('query')
    if (search !== undefined && !findSearch(search))
      throw invalidInput([{ path: 'search', message: 'There is no such type of search.' }])
    await Promise.all(
      allQueues()
        .filter((each) => search === undefined || each.search === search)
        .map(async ({ search: type, shard, queue }) => {
          await (paused ? queue.pause() : queue.resume())
          await store.redis.publish(keys.moved(shard, type), '')
        }),
    )
    return c.json({ paused }, 200)
  })
}
