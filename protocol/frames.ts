import { z } from 'zod'
import { type JobEvent, NoteEvent, ProgressEvent, RowsEvent, StateEvent } from '#jobs/events.ts'
import { Job } from '#jobs/job.ts'
import { Counts } from './answers.ts'

/** What the server says over the socket; docs/protocol.md is its contract. */

const seq = z.number().int().nonnegative()
const Failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

const Replayed = z.union([
  z
    .tuple([seq, z.literal('state'), StateEvent])
    .transform(([seq, type, data]): JobEvent => ({ seq, type, data })),
  z
    .tuple([seq, z.literal('rows'), RowsEvent])
    .transform(([seq, type, data]): JobEvent => ({ seq, type, data })),
  z
    .tuple([seq, z.literal('note'), NoteEvent])
    .transform(([seq, type, data]): JobEvent => ({ seq, type, data })),
])

const id = z.string()
const Delivered = z.union([
  z
    .tuple([id, z.null(), z.literal('progress'), ProgressEvent])
    .transform(([id, seq, type, data]): [string, JobEvent] => [id, { seq, type, data }]),
  z
    .tuple([id, seq, z.literal('state'), StateEvent])
    .transform(([id, seq, type, data]): [string, JobEvent] => [id, { seq, type, data }]),
  z
    .tuple([id, seq, z.literal('rows'), RowsEvent])
    .transform(([id, seq, type, data]): [string, JobEvent] => [id, { seq, type, data }]),
  z
    .tuple([id, seq, z.literal('note'), NoteEvent])
    .transform(([id, seq, type, data]): [string, JobEvent] => [id, { seq, type, data }]),
])

/** Each with the id of its job, in the order in which they happened. */
export const EventsFrame = z.array(Delivered)
export const ResyncFrame = z.object({ id, job: Job })

export const WatchAnswer = z.union([
  z.object({ id, mode: z.literal('snapshot'), job: Job }),
  z.object({ id, mode: z.literal('replay'), job: Job, events: z.array(Replayed) }),
  Failure.extend({ id }),
])
export type WatchAnswer = z.infer<typeof WatchAnswer>
export const WatchAck = z.union([z.array(WatchAnswer), Failure])

export const MineAck = z.union([z.object({ jobs: z.array(Job) }), Failure])
export const MineFrame = z.object({ changed: z.array(Job), removed: z.array(z.string()) })
export const FeedAck = z.union([z.object({ jobs: z.array(Job), counts: Counts }), Failure])
export const FeedFrame = MineFrame.extend({ counts: Counts })

/** With `id`: this job is no longer readable. Without: the session has ended. */
export const RevokedFrame = z.object({ id: z.string().optional(), code: z.string() })
/** What a refused handshake carries. */
export const Refusal = z.object({ data: z.object({ code: z.string() }) })
