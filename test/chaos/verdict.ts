import { expect, vi } from 'vitest'
import type { JobState } from '#jobs/job.ts'
import type { Ground } from './ground.ts'
import { readStrictly } from './read-strictly.ts'

/** What a client knows of a job that it was told is started. */
export interface Accepted {
  id: string
  /** The ending that it saw. */
  seen: JobState
}

export interface Findings {
  jobs: number
  complete: number
  error: number
  cancelled: number
  attempts: number
  /** Attempts that were told as lost, handed back or failed. */
  interrupted: number
  problems: string[]
}

const tag = '{sl:0}'

/** Looks at everything from the outside once all is quiet, and says what is not as it must be. */
export async function judge(
  accepted: readonly Accepted[],
  expectedRows: readonly unknown[],
  ground: Ground,
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
  await settled(ground)
  problems.push(...(await leftovers(ground)))
  const archived = await readArchive(ground)
  for (const { id, seen } of accepted) {
    const say = (problem: string) => problems.push(`${id}: ${problem}`)
    const log = await ground.redis.lrange(`${tag}:log:${id}`, 0, '-1')
    const told = readStrictly(log, say)
    findings.attempts += told.attempts
    findings.interrupted += told.interrupted
    if (told.ending !== seen) say(`its log ends ${told.ending}, and its client saw ${seen}`)
    const kept = archived.get(id)
    if (!kept) {
      say('it is not in the archive')
      continue
    }
    archived.delete(id)
    if (kept.state !== seen) say(`it is archived as ${kept.state}, and its client saw ${seen}`)
    if (kept.seq !== log.length) say(`it is archived with ${kept.seq} of ${log.length} events`)
    if (JSON.stringify(kept.rows) !== JSON.stringify(told.rows))
      say(`its ${told.rows.length} rows are archived as ${kept.rows.length} others`)
    if (kept.rowCount !== told.rows.length)
      say(`it counts ${kept.rowCount} rows of ${told.rows.length}`)
    if (seen === 'complete' && JSON.stringify(told.rows) !== JSON.stringify(expectedRows))
      say(
        `it is complete with ${told.rows.length} rows that are not those of an undisturbed run (${expectedRows.length})`,
      )
    if (seen === 'complete' || seen === 'error' || seen === 'cancelled') findings[seen]++
  }
  for (const id of archived.keys()) problems.push(`${id}: it is archived, and nobody started it`)
  await ground.query('delete from archived_jobs')
  return findings
}

/** All queues run dry, everything archived: by the processes themselves, in their own time. */
async function settled({ redis }: Ground): Promise<void> {
  await vi.waitFor(
    async () => {
      const [live, ended, active, wait, delayed] = await Promise.all([
        redis.zcard(`${tag}:live`),
        redis.zcard(`${tag}:ended`),
        redis.llen(`${tag}:bull:searches:active`),
        redis.llen(`${tag}:bull:searches:wait`),
        redis.zcard(`${tag}:bull:searches:delayed`),
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

/** No lock, no key of a job that will not expire, nothing in the queue. */
async function leftovers({ redis }: Ground): Promise<string[]> {
  const found: string[] = []
  for (const key of await redis.keys(`${tag}:*`)) {
    if (key.startsWith(`${tag}:lock:`)) found.push(`a lock is left: ${key}`)
    if (/:(job|log|rows):/.test(key) && (await redis.ttl(key)) === -1)
      found.push(`a key that never expires is left: ${key}`)
    if (key.startsWith(`${tag}:mine:`))
      found.push(`an archived job is listed as if it were not: ${key}`)
    if (/^.*:bull:searches:0-/.test(key)) found.push(`a queue entry is left: ${key}`)
    if (/:bull:searches:(failed|completed|active|wait|delayed|stalled|paused)$/.test(key))
      found.push(`the queue holds something: ${key}`)
  }
  return found
}

interface Archived {
  state: JobState
  seq: number
  rowCount: number
  rows: unknown[]
}

async function readArchive({ query }: Ground): Promise<Map<string, Archived>> {
  const jobs = await query<{ id: string; state: JobState; seq: string; row_count: number }>(
    'select id, state, seq, row_count from archived_jobs',
  )
  const pieces = await query<{ job_id: string; rows: unknown[] }>(
    'select job_id, rows from archived_rows order by job_id, from_row',
  )
  const rowsOf = new Map<string, unknown[]>()
  for (const { job_id, rows } of pieces)
    rowsOf.set(job_id, [...(rowsOf.get(job_id) ?? []), ...rows])
  return new Map(
    jobs.map(({ id, state, seq, row_count }) => [
      id,
      { state, seq: Number(seq), rowCount: row_count, rows: rowsOf.get(id) ?? [] },
    ]),
  )
}
