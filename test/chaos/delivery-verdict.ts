import { expect, vi } from 'vitest'
import { readArchivedJob, readArchivedRows } from '#jobs/postgres/read-archive.ts'
import { readEntry } from '#jobs/redis/log-entry.ts'
import { apiClient } from '../server/server-fixture.ts'
import type { Load } from './delivery-load.ts'
import type { Plan } from './delivery-plan.ts'
import { type Account, digestOf, type JobView } from './job-view.ts'
import type { ListViewer } from './list-viewer.ts'
import { readStrictly } from './read-strictly.ts'

/** What became of a job: as it is archived, and all its events. */
async function truthOf(plan: Plan, load: Load, say: (problem: string) => void) {
  const job = await readArchivedJob(plan.id, load.db)
  const log = await load.log(plan.id)
  if (!job) throw new Error(`${plan.id} is not in the archive`)
  const rows = await readArchivedRows(plan.id, { from: 0, limit: 100_000 }, load.db)
  const told = readStrictly(log, say)
  if (log.length !== job.seq) say(`its log of ${log.length} events is archived as ${job.seq}`)
  if (told.ending !== job.state)
    say(`its log ends ${told.ending}, and it is archived as ${job.state}`)
  if (job.state !== plan.ending) say(`it ended ${job.state} instead of ${plan.ending}`)
  if (JSON.stringify(rows) !== JSON.stringify(told.rows)) say('its rows are archived as others')
  const digests = log.map((entry) => {
    const { type, data } = readEntry(entry)
    return digestOf(type, data)
  })
  return { job, rows: JSON.stringify(rows), digests }
}

/**
 * Compares what every client has seen of every job with the archive. Its counts are added to the
 * account.
 */
export async function judgeViews(
  plans: readonly Plan[],
  views: readonly JobView[],
  load: Load,
  account: Account,
) {
  await vi.waitFor(async () => expect(await load.unarchived()).toBe(0), {
    timeout: 600_000,
    interval: 200,
  })
  const epoch = await load.epoch()
  const findings = { events: 0, watches: views.length, wrongEndings: 0 }
  for (const plan of plans) {
    const truth = await truthOf(plan, load, (problem) =>
      account.problems.push(`${plan.id}: ${problem}`),
    )
    findings.events += truth.job.seq
    for (const view of views) {
      if (view.id !== plan.id) continue
      const { state, message, seq, rowCount } = truth.job
      const seen = {
        state: view.state,
        message: view.message,
        seq: view.position?.seq ?? 0,
        rowCount: view.rowCount,
      }
      if (JSON.stringify(seen) !== JSON.stringify({ state, message, seq, rowCount })) {
        findings.wrongEndings++
        account.missing += Math.max(0, seq - seen.seq)
        view.say(
          `is last seen as ${JSON.stringify(seen)}, and is ${JSON.stringify({ state, message, seq, rowCount })}`,
        )
      } else if (JSON.stringify(view.rows) !== truth.rows) {
        findings.wrongEndings++
        view.say(`ended with ${view.rows.length} rows that are not those of the archive`)
      }
      // What a store has taken back was told under the epoch before.
      const kept = view.told.filter(
        (event) => event.epoch === epoch || !load.rolledBack.has(view.id),
      )
      const wrong = kept.filter((event) => truth.digests[event.seq - 1] !== event.digest)
      if (wrong.length > 0)
        view.say(`was told ${wrong.length} events otherwise than the log has them`)
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

/** Every list shows what the API answers, in the end. */
export async function judgeList({ user, url, kind, jobs, counts }: ListViewer): Promise<void> {
  const call = apiClient(url, user.key)
  const query =
    kind.list === 'jobs'
      ? '?limit=50'
      : `?limit=200&user=all${kind.filter.state ? `&state=${kind.filter.state}` : ''}`
  const most = kind.list === 'jobs' ? 50 : 200
  const wanted: Summary[] = (await call('GET', `/api/jobs${query}`)).body.jobs
  await vi.waitFor(
    () => expect(jobs().slice(0, most).map(comparable)).toEqual(wanted.map(comparable)),
    {
      timeout: 600_000,
      interval: 100,
    },
  )
  if (kind.list === 'feed')
    expect(counts()).toEqual((await call('GET', '/api/admin/stats')).body.counts)
}
