import { z } from 'zod'
import { isLive } from '#jobs/lifecycle.ts'
import type { JobPlaces } from '#jobs/postgres/find-rows.ts'
import { findJob } from '../find-job.ts'
import type { Authorization } from '../live/authorization.ts'
import type { Hub } from '../live/hub.ts'
import { jobEventStream, parseEventId } from '../live/sse.ts'
import type { Api } from './api-env.ts'
import { invalidInput, issuesOf, notFound } from './api-error.ts'

export interface EventRoutesDeps extends JobPlaces {
  hub: Hub
  authorization: Authorization
}

/** Events that not every client knows are sent only to those that ask for them. */
const EventsQuery = z.object({
  waiting: z.stringbool().default(false),
  patches: z.stringbool().default(false),
})

/** `GET /api/jobs/:id/events`: the live events of a job as server-sent events. */
export function addEventRoutes(api: Api, deps: EventRoutesDeps): void {
  api.get('/api/jobs/:id/events', async (c) => {
    const query = EventsQuery.safeParse(c.req.query())
    if (!query.success) throw invalidInput(issuesOf(query.error))
    const principal = c.get('principal')
    const job = await findJob(c.req.param('id'), principal, deps)
    if (!job) throw notFound()
    const since = parseEventId(c.req.header('last-event-id'))
    if (!isLive(job.state) && since?.epoch === job.epoch && since.seq >= job.seq)
      return c.body(null, 204)
    const stream = jobEventStream(job.id, {
      hub: deps.hub,
      authorization: deps.authorization,
      principal,
      ...query.data,
      since: since ?? { epoch: job.epoch, seq: 0 },
      signal: c.req.raw.signal,
    })
    return c.body(stream, 200, { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
  })
}
