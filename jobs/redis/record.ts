import { Job, JobSummary } from '../job.ts'
import type { Position } from '../position.ts'

/** The fields of a record that a summary carries, in the order of scripts/shared.lua. */
export const recordFieldsOfSummary = [
  'userId',
  'search',
  'brief',
  'state',
  'message',
  'progress',
  'rowCount',
  'attempt',
  'createdAt',
  'startedAt',
  'finishedAt',
]

/**
 * A record as Redis stores it. A field that was never set is absent, or empty in a summary. Times
 * are in ms; `input`, `brief`, `message` and `progress` are JSON.
 */
type Fields = Record<string, string>

/** What a record does not hold itself: the seq is its log's length, the epoch is its shard's. */
interface RecordPosition extends Position {
  id: string
}

const timeOf = (ms: string | undefined) => (ms ? new Date(Number(ms)).toISOString() : null)

function factsOf(fields: Fields, input: string | undefined, { id, seq, epoch }: RecordPosition) {
  return {
    id,
    userId: fields.userId,
    search: fields.search,
    input: JSON.parse(input ?? '{}'),
    state: fields.state,
    message: fields.message ? JSON.parse(fields.message) : null,
    progress: fields.progress ? JSON.parse(fields.progress) : null,
    rowCount: Number(fields.rowCount ?? 0),
    ...(fields.patched ? { patched: true } : {}),
    attempt: Number(fields.attempt ?? 0),
    epoch,
    seq,
    createdAt: timeOf(fields.createdAt),
    startedAt: timeOf(fields.startedAt),
    finishedAt: timeOf(fields.finishedAt),
  }
}

export function fieldsOf(flat: readonly string[]): Fields {
  const fields: Fields = {}
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? ''
  return fields
}

/** @throws {z.ZodError} if the fields are not those of a job. */
export function parseRecord(fields: Fields, position: RecordPosition): Job {
  return Job.parse(factsOf(fields, fields.input ?? fields.brief, position))
}

/** @param values id, seq and the `recordFieldsOfSummary`, as a message on a channel lists them */
export function parseSummary(
  [id = '', seq, ...values]: readonly string[],
  epoch: string,
): JobSummary {
  const fields = Object.fromEntries(recordFieldsOfSummary.map((name, i) => [name, values[i] ?? '']))
  return JobSummary.parse(factsOf(fields, fields.brief, { id, seq: Number(seq), epoch }))
}

/** Limits of a value in lists and feeds. */
const briefLimits = { characters: 120, items: 5 }

/** The input, with long values cut short. */
export function briefOf(input: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, briefValue(value)]))
}

function briefValue(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > briefLimits.characters
      ? `${value.slice(0, briefLimits.characters)}…`
      : value
  if (Array.isArray(value))
    return value.length > briefLimits.items
      ? [
          ...value.slice(0, briefLimits.items).map(briefValue),
          `… ${value.length - briefLimits.items} more`,
        ]
      : value.map(briefValue)
  return value
}
