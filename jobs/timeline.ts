import { z } from 'zod'
import { NoteEvent, StateEvent } from './events.ts'

const seq = z.number().int().positive()

/** A state change or a note of a job, with its event's number. */
export const TimelineEntry = z.discriminatedUnion('type', [
  z.object({ seq, type: z.literal('state'), data: StateEvent }),
  z.object({ seq, type: z.literal('note'), data: NoteEvent }),
])
export type TimelineEntry = z.infer<typeof TimelineEntry>

/** Parses a logged event as a timeline entry; null if it is of another type, such as rows. */
export function timelineEntry(event: {
  seq: number
  type: string
  data: unknown
}): TimelineEntry | null {
  if (event.type !== 'state' && event.type !== 'note') return null
  return TimelineEntry.parse(event)
}
