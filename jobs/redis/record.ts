import { Job, type JobSummary } from '../job.ts'

/** The order in which scripts/shared.lua joins a summary. */
const summaryFields = [
  'id',
  'userId',
  'search',
  'brief',
  'state',
  'message',
  'progress',
  'rowCount',
  'attempt',
  'seq',
  'createdAt',
  'startedAt',
  'finishedAt',
] as const

type Fields = Record<string, string>

/** @throws {z.ZodError} when Redis holds something that is no job. */
function jobOf(fields: Fields, input: string | undefined, epoch: string): Job {
  return Job.parse({
    id: fields.id,
    userId: fields.userId,
    search: fields.search,
    input: JSON.parse(input ?? '{}'),
    state: fields.state,
    message: fields.message ? JSON.parse(fields.message) : null,
    progress: fields.progress ? JSON.parse(fields.progress) : null,
    rowCount: Number(fields.rowCount),
    attempt: Number(fields.attempt),
    epoch,
    seq: Number(fields.seq),
    createdAt: fields.createdAt,
    startedAt: fields.startedAt || null,
    finishedAt: fields.finishedAt || null,
  })
}

export function fieldsOf(flat: readonly string[]): Fields {
  const fields: Fields = {}
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? ''
  return fields
}

/** A record as HGETALL gives it, or null when there is none. */
export function parseRecord(flat: readonly string[], epoch: string): Job | null {
  if (flat.length === 0) return null
  const fields = fieldsOf(flat)
  return jobOf(fields, fields.input, epoch)
}

/** A record as HMGET of `summaryFieldNames` gives it, or null when there is none. */
export function parseSummary(values: readonly (string | null)[], epoch: string): JobSummary | null {
  if (!values[0]) return null
  const fields = Object.fromEntries(summaryFields.map((name, i) => [name, values[i] ?? '']))
  return jobOf(fields, fields.brief, epoch)
}

export const summaryFieldNames: readonly string[] = summaryFields

/** Values longer than this are cut in lists and feeds. */
const briefLength = 120

/** An input with its long values cut short. */
export function briefOf(input: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, briefValue(value)]))
}

function briefValue(value: unknown): unknown {
  if (typeof value === 'string') return value.length > briefLength ? `${value.slice(0, briefLength)}…` : value
  if (Array.isArray(value))
    return value.length > 5 ? [...value.slice(0, 5).map(briefValue), `… ${value.length - 5} more`] : value.map(briefValue)
  return value
}
