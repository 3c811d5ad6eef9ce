import type { JobEvent } from '#jobs/events.ts'
import { Job } from '#jobs/job.ts'

export const at = '2026-03-01T10:00:00.000Z'
export const later = '2026-03-01T10:00:05.000Z'

/** A job as the API returns it. Parsed, so that no test can use an impossible job. */
export function job(changes: Partial<Record<keyof Job, unknown>> = {}): Job {
  return Job.parse({
    id: '0-01890000-0000-7000-8000-000000000001',
    userId: 'u1',
    search: 'linking-domains',
    input: { domain: 'redis.io' },
    state: 'running',
    message: null,
    progress: null,
    rowCount: 0,
    attempt: 1,
    epoch: 'e1',
    seq: 2,
    createdAt: at,
    startedAt: at,
    finishedAt: null,
    ...changes,
  })
}

export function rowsEvent(seq: number, from: number, names: string[], attempt = 1): JobEvent {
  return {
    seq,
    type: 'rows',
    data: { at: later, attempt, from, rows: names.map((site) => ({ site })) },
  }
}

export function patchEvent(
  seq: number,
  rows: [index: number, cells: Record<string, string>][],
  attempt = 1,
): JobEvent {
  return { seq, type: 'patch', data: { at: later, attempt, rows } }
}

export function noteEvent(seq: number, text: string, attempt = 1): JobEvent {
  return { seq, type: 'note', data: { at: later, attempt, text } }
}

export function progressEvent(done: number, attempt = 1): JobEvent {
  return {
    seq: null,
    type: 'progress',
    data: { attempt, phase: 'Reading', done, total: 16, unit: 'shards' },
  }
}
