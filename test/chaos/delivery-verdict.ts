import { expect, vi } from 'vitest'
import { readArchivedJob, readArchivedRows } from '#jobs/postgres/read-archive.ts'
import { readEntry } from '#jobs/redis/log-entry.ts'
import { apiClient } from '../server/server-fixture.ts'
import type { Load } from './delivery-load.ts'
import type { Plan } from './delivery-plan.ts'
import { digestOf, type JobView, type Observations } from './job-view.ts'
import type { ListViewer } from './list-viewer.ts'
import { readStrictly } from './read-strictly.ts'

/** Reads a job from the archive with the digests of all its events, and checks them. */
async function readFinalJob(plan: Plan, load: Load, report: (problem: string) => void) {
  const job = await readArchivedJob(plan.id, load.db)
  const log = await load.log(plan.id)
  if (!job) throw new Error(`${plan.id} is not in the archive`)
  const rows = await readArchivedRows(plan.id, { from: 0, limit: 100_000 }, load.db)
  const logged = readStrictly(log, report)
  if (log.length !== job.seq)
    report(`its log has ${log.length} events, but its archive says ${job.seq}`)
  if (logged.ending !== job.state)
    report(`its log ends as ${logged.ending}, but its archive says ${job.state}`)
  if (job.state !== plan.ending) report(`it ended as ${job.state}, not ${plan.ending} as planned`)
  if (JSON.stringify(rows) !== JSON.stringify(logged.rows))
    report('its archived rows differ from its log')
  const digests = log.map((entry) => {
    const { type, data } = readEntry(entry)
    return digestOf(type, data)
  })
  return { job, rows: JSON.stringify(rows), digests }
}

/** Compares each client's view of each job with the archive. Adds missing events and problems. */
export async function judgeViews(
  plans: readonly Plan[],
  views: readonly JobView[],
  load: Load,
  observed: Observations,
) {
  await vi.waitFor(async () => expect(await load.unarchived()).toBe(0), {
    timeout: 600_000,
    interval: 200,
  })
  const epoch = await load.epoch()
  const findings = { events: 0, watches: views.length, wrongEndings: 0 }
  for (const plan of plans) {
    const final = await readFinalJob(plan, load, (problem) =>
      observed.problems.push(`${plan.id}: ${problem}`),
    )
    findings.events += final.job.seq
    for (const view of views) {
      if (view.id !== plan.id) continue
      const { state, message, seq, rowCount } = final.job
      const seen = {
        state: view.state,
        message: view.message,
        seq: view.position?.seq ?? 0,
        rowCount: view.rowCount,
      }
      if (JSON.stringify(seen) !== JSON.stringify({ state, message, seq, rowCount })) {
        findings.wrongEndings++
        observed.missing += Math.max(0, seq - seen.seq)
        view.report(
          `its last view is ${JSON.stringify(seen)}, but the archive says ${JSON.stringify({ state, message, seq, rowCount })}`,
        )
      } else if (JSON.stringify(view.rows) !== final.rows) {
        findings.wrongEndings++
        view.report(`its ${view.rows.length} rows differ from the archive`)
      }
      // Events that Redis lost and rolled back belong to an earlier epoch.
      const comparableEvents = view.received.filter(
        (event) => event.epoch === epoch || !load.rolledBack.has(view.id),
      )
      const wrong = comparableEvents.filter(
        (event) => final.digests[event.seq - 1] !== event.digest,
      )
      if (wrong.length > 0) view.report(`${wrong.length} received events differ from the log`)
    }
  }
  return findings
}

interface Summary {
  id: string
  state: string
  attempt: number
  rowCount: number
  seq: number
  message: string | null
  progress: unknown
}
const comparable = ({ id, state, attempt, rowCount, seq, message, progress }: Summary) => ({
  id,
  state,
  attempt,
  rowCount,
  seq,
  message,
  progress,
})

/** Waits until a live list equals what the API answers. */
export async function judgeList({ user, url, kind, jobs, counts }: ListViewer): Promise<void> {
  const call = apiClient(url, user.key)
  const query =
    kind.list === 'jobs'
      ? '?limit=50'
      : `?limit=200&user=all${kind.filter.state ? `&state=${kind.filter.state}` : ''}`
  const limit = kind.list === 'jobs' ? 50 : 200
  const wanted: Summary[] = (await call('GET', `/api/jobs${query}`)).body.jobs
  await vi.waitFor(
    () => expect(jobs().slice(0, limit).map(comparable)).toEqual(wanted.map(comparable)),
    {
      timeout: 600_000,
      interval: 100,
    },
  )
  if (kind.list === 'feed')
    expect(counts()).toEqual((await call('GET', '/api/admin/stats')).body.counts)
}
