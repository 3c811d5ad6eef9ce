import { z } from 'zod'
import { NoteEvent, StateEvent } from './events.ts'

const seq = z.number().int().positive()

/** A state or a note of a job, with the number of its event. */
export const TimelineEntry = z.discriminatedUnion('type', [
  z.object({ seq, type: z.literal('state'), data: StateEvent }),
  z.object({ seq, type: z.literal('note'), data: NoteEvent }),
])
export type TimelineEntry = z.infer<typeof TimelineEntry>

/** A logged event as an entry of the timeline; null for rows and patches. */
export function timelineEntry(event: {
  seq: number
  type: string
  data: unknown
}): TimelineEntry | null {
  if (event.type !== 'state' && event.type !== 'note') return null
  return TimelineEntry.parse(event)
}
