import type { WatchAnswer } from '#protocol/frames.ts'
import type { HubReading } from './hub.ts'

type Replay = Extract<WatchAnswer, { mode: 'replay' }>
/** An answer whose events are passed on as the worker wrote them. */
export type UnparsedAnswer =
  | Exclude<WatchAnswer, Replay>
  | (Omit<Replay, 'events'> & { events: [seq: number | null, type: string, data: unknown][] })

/** What a client may be answered with. */
export interface AnswerLimits {
  mayReplay: boolean
  /** Whether it knows the event `patch`. */
  knowsPatches: boolean
}

/** The part of a `watch` acknowledgement that is about one job. */
export function answerOf(reading: HubReading, limits: AnswerLimits): UnparsedAnswer {
  const { id, epoch, seq } = reading.state
  const at = { id, epoch, seq, job: reading.state }
  if (!limits.mayReplay || reading.mode === 'snapshot' || !isKnown(reading, limits))
    return { ...at, mode: 'snapshot' }
  return {
    ...at,
    mode: 'replay',
    events: reading.events.map(({ seq, type, data }) => [seq, type, JSON.parse(data)]),
  }
}

/** Whether the client knows all events that the reading replays. */
export function isKnown(
  reading: HubReading,
  { knowsPatches }: Pick<AnswerLimits, 'knowsPatches'>,
): boolean {
  if (knowsPatches || reading.mode === 'snapshot') return true
  return reading.events.every(({ type }) => type !== 'patch')
}

/** The size of the events that a reading replays. */
export function bytesOf(reading: HubReading): number {
  return reading.mode === 'replay'
    ? reading.events.reduce((sum, { data }) => sum + data.length, 0)
    : 0
}
