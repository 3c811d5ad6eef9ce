import { z } from 'zod'
import {
  type JobEvent,
  NoteEvent,
  PatchEvent,
  ProgressEvent,
  RowsEvent,
  StateEvent,
} from '#jobs/events.ts'
import { FeedFilter } from '#jobs/feed-filter.ts'
import { Job, JobSummary } from '#jobs/job.ts'
import { JobCounts } from '#jobs/job-counts.ts'
import { Position } from '#jobs/position.ts'
import { Waiting } from '#jobs/waiting.ts'
import { Failure } from './errors.ts'

/** Socket messages in both directions; docs/protocol.md tells the same in words. */

export const watchLimits = { jobsPerWatch: 200, watchesPerSocket: 1_000 }

const id = z.string()
const requestedId = id.max(64)
const resumeFrom = Position.extend({ epoch: Position.shape.epoch.max(64) })
const seq = z.number().int().nonnegative()

/** What a client may send, by the name of the message. */
export const clientMessages = {
  watch: z.object({
    jobs: z
      .array(z.object({ id: requestedId, since: resumeFrom.optional() }))
      .max(watchLimits.jobsPerWatch),
    /** Whether the client knows the event `patch`; it gets resyncs otherwise. */
    patches: z.boolean().optional(),
  }),
  unwatch: z.object({ jobs: z.array(requestedId).max(watchLimits.watchesPerSocket) }),
  'jobs:open': z.object({}),
  'jobs:close': z.object({}),
  'feed:open': z.object({ filter: FeedFilter.optional() }),
  'feed:close': z.object({}),
}
export type ClientMessageName = keyof typeof clientMessages
export type ClientMessage<Name extends ClientMessageName> = z.infer<(typeof clientMessages)[Name]>

/** `[seq, type, data]` of an event with a number. */
const LoggedEvent = z.union([
  z.tuple([seq, z.literal('state'), StateEvent]),
  z.tuple([seq, z.literal('rows'), RowsEvent]),
  z.tuple([seq, z.literal('patch'), PatchEvent]),
  z.tuple([seq, z.literal('note'), NoteEvent]),
])

/** `[id of the job, seq, type, data]`; progress has no number. */
const DeliveredEvent = z.union([
  z.tuple([id, seq, z.literal('state'), StateEvent]),
  z.tuple([id, seq, z.literal('rows'), RowsEvent]),
  z.tuple([id, seq, z.literal('patch'), PatchEvent]),
  z.tuple([id, seq, z.literal('note'), NoteEvent]),
  z.tuple([id, z.null(), z.literal('progress'), ProgressEvent]),
])

type WithoutId<Event> = Event extends [string, ...infer Rest] ? Rest : never
type UnnamedEvent = WithoutId<z.infer<typeof DeliveredEvent>>

/** `events`: in the order in which they happened. */
export const EventsFrame = z.array(DeliveredEvent)

/** `resync`: takes the place of events that were missed. */
export const ResyncFrame = Position.extend({ id, job: Job })

const Snapshot = Position.extend({ id, mode: z.literal('snapshot'), job: Job })
const Replay = Position.extend({
  id,
  mode: z.literal('replay'),
  job: Job,
  events: z.array(LoggedEvent),
})
export const WatchAnswer = z.union([Snapshot, Replay, Failure.extend({ id })])
export type WatchAnswer = z.infer<typeof WatchAnswer>

/** In the order of the request. */
export const WatchAck = z.union([z.array(WatchAnswer), Failure])

export const OwnJobsAck = z.union([z.object({ jobs: z.array(JobSummary) }), Failure])
/** `jobs` */
export const OwnJobsFrame = z.object({ changed: z.array(JobSummary), removed: z.array(id) })

export const FeedAck = z.union([
  z.object({ jobs: z.array(JobSummary), counts: JobCounts }),
  Failure,
])
/** `feed` */
export const FeedFrame = OwnJobsFrame.extend({ counts: JobCounts })

/** `waiting`: what a job waits for that has not started. Only the latest counts. */
export const WaitingFrame = Waiting.extend({ id })

/** `revoked`, with `id`: this job is no longer readable. Without: the session has ended. */
export const RevokedFrame = z.object({ id: id.optional(), code: z.string() })

/** The `data` of a refused handshake's error. */
export const Refusal = z.object({ code: z.string(), message: z.string() })

/** The `auth` of a handshake; a page sends its cookie instead. */
export const Handshake = z.object({ apiKey: z.string().max(200).optional() })

/** A number, a type and data as an event of the domain. */
export function jobEventOf(event: z.infer<typeof LoggedEvent> | UnnamedEvent): JobEvent {
  const [seq, type, data] = event
  switch (type) {
    case 'state':
      return { seq, type, data }
    case 'rows':
      return { seq, type, data }
    case 'patch':
      return { seq, type, data }
    case 'note':
      return { seq, type, data }
    case 'progress':
      return { seq, type, data }
  }
}
