import { expect, vi } from 'vitest'
import type { JobState } from '#jobs/job.ts'
import type { ChaosEnvironment } from './chaos-environment.ts'
import { readStrictly } from './read-strictly.ts'

/** A job whose start the server accepted, as its client saw it. */
export interface Accepted {
  id: string
  /** The ending that the client saw. */
  seen: JobState
}

export interface Findings {
  jobs: number
  complete: number
  error: number
  cancelled: number
  attempts: number
  /** Attempts that ended with a note that they were lost, handed back or failed. */
  interrupted: number
  problems: string[]
}

const keyPrefix = '{sl:0}'

/** Once all is settled, compares clients, logs and archive, and collects the problems. */
export async function judge(
  accepted: readonly Accepted[],
  expectedRows: readonly unknown[],
  environment: ChaosEnvironment,
): Promise<Findings> {
  const problems: string[] = []
  const findings: Findings = {
    jobs: accepted.length,
    complete: 0,
    error: 0,
    cancelled: 0,
    attempts: 0,
    interrupted: 0,
    problems,
  }
  await settled(environment)
  problems.push(...(await leftovers(environment)))
  const archived = await readArchive(environment)
  for (const { id, seen } of accepted) {
    const report = (problem: string) => problems.push(`${id}: ${problem}`)
    const log = await environment.redis.lrange(`${keyPrefix}:log:${id}`, 0, '-1')
    const logged = readStrictly(log, report)
    findings.attempts += logged.attempts
    findings.interrupted += logged.interrupted
    if (logged.ending !== seen)
      report(`its log ends as ${logged.ending}, but its client saw ${seen}`)
    const archivedJob = archived.get(id)
    if (!archivedJob) {
      report('it is not in the archive')
      continue
    }
    archived.delete(id)
    if (archivedJob.state !== seen)
      report(`it is archived as ${archivedJob.state}, but its client saw ${seen}`)
    if (archivedJob.seq !== log.length)
      report(`its archive counts ${archivedJob.seq} of ${log.length} events`)
    if (JSON.stringify(archivedJob.rows) !== JSON.stringify(logged.rows))
      report(
        `the ${archivedJob.rows.length} rows of its archive differ from the ${logged.rows.length} of its log`,
      )
    if (archivedJob.rowCount !== logged.rows.length)
      report(`its archive counts ${archivedJob.rowCount} of ${logged.rows.length} rows`)
    if (seen === 'complete' && JSON.stringify(logged.rows) !== JSON.stringify(expectedRows))
      report(
        `it completed with ${logged.rows.length} rows that differ from those of a run without faults (${expectedRows.length})`,
      )
    if (seen === 'complete' || seen === 'error' || seen === 'cancelled') findings[seen]++
  }
  for (const id of archived.keys()) problems.push(`${id}: it is archived, but no client started it`)
  await environment.query('delete from archived_jobs')
  return findings
}

/** Waits until the processes have emptied all queues and archived all jobs. */
async function settled({ redis }: ChaosEnvironment): Promise<void> {
  await vi.waitFor(
    async () => {
      const [live, ended, active, wait, delayed] = await Promise.all([
        redis.zcard(`${keyPrefix}:live`),
        redis.zcard(`${keyPrefix}:ended`),
        redis.llen(`${keyPrefix}:bull:searches:active`),
        redis.llen(`${keyPrefix}:bull:searches:wait`),
        redis.zcard(`${keyPrefix}:bull:searches:delayed`),
      ])
      expect({ live, ended, active, wait, delayed }).toEqual({
        live: 0,
        ended: 0,
        active: 0,
        wait: 0,
        delayed: 0,
      })
    },
    { timeout: 600_000, interval: 200 },
  )
}

/** Finds locks, job keys without an expiry and queue entries, which must all be gone. */
async function leftovers({ redis }: ChaosEnvironment): Promise<string[]> {
  const found: string[] = []
  for (const key of await redis.keys(`${keyPrefix}:*`)) {
    if (key.startsWith(`${keyPrefix}:lock:`)) found.push(`a lock remains: ${key}`)
    if (/:(job|log|rows):/.test(key) && (await redis.ttl(key)) === -1)
      found.push(`a key that never expires remains: ${key}`)
    if (key.startsWith(`${keyPrefix}:mine:`))
      found.push(`an archived job remains in a list of own jobs: ${key}`)
    if (/^.*:bull:searches:0-/.test(key)) found.push(`a queue entry remains: ${key}`)
    if (/:bull:searches:(failed|completed|active|wait|delayed|stalled|paused)$/.test(key))
      found.push(`the queue is not empty: ${key}`)
  }
  return found
}

interface Archived {
  state: JobState
  seq: number
  rowCount: number
  rows: unknown[]
}

async function readArchive({ query }: ChaosEnvironment): Promise<Map<string, Archived>> {
  const jobs = await query<{ id: string; state: JobState; seq: string; row_count: number }>(
    'select id, state, seq, row_count from archived_jobs',
  )
  const rowChunks = await query<{ job_id: string; rows: unknown[] }>(
    'select job_id, rows from archived_rows order by job_id, from_row',
  )
  const rowsOf = new Map<string, unknown[]>()
  for (const { job_id, rows } of rowChunks)
    rowsOf.set(job_id, [...(rowsOf.get(job_id) ?? []), ...rows])
  return new Map(
    jobs.map(({ id, state, seq, row_count }) => [
      id,
      { state, seq: Number(seq), rowCount: row_count, rows: rowsOf.get(id) ?? [] },
    ]),
  )
}
