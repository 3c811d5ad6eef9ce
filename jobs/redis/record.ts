import { Job, JobSummary } from '../job.ts'
import type { Position } from '../position.ts'

/** What a summary takes from a record, in the order of scripts/shared.lua. */
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
 * What Redis holds of a record: a field that was never set is absent, or empty in a summary. Times
 * are in ms, and JSON where people write.
 */
type Fields = Record<string, string>

/** Where a record stands: its log numbers its events, its shard has the epoch. */
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

/** @throws {z.ZodError} when Redis holds something else than a job. */
export function parseRecord(fields: Fields, position: RecordPosition): Job {
  return Job.parse(factsOf(fields, fields.input ?? fields.brief, position))
}

/** @param values id and seq, then the `recordFieldsOfSummary`, as an announcement joins them. */
export function parseSummary(
  [id = '', seq, ...values]: readonly string[],
  epoch: string,
): JobSummary {
  const fields = Object.fromEntries(recordFieldsOfSummary.map((name, i) => [name, values[i] ?? '']))
  return JobSummary.parse(factsOf(fields, fields.brief, { id, seq: Number(seq), epoch }))
}

/** Values longer than this are cut in lists and feeds. */
const briefLength = 120

/** An input with its long values cut short. */
export function briefOf(input: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, briefValue(value)]))
}

function briefValue(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > briefLength ? `${value.slice(0, briefLength)}…` : value
  if (Array.isArray(value))
    return value.length > 5
      ? [...value.slice(0, 5).map(briefValue), `… ${value.length - 5} more`]
      : value.map(briefValue)
  return value
}
