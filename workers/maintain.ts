import { setTimeout as delay } from 'node:timers/promises'
import { forgetOld } from '#jobs/postgres/forget.ts'
import { uncountJobs } from '#jobs/redis/delete-job.ts'
import { findVainRuns } from '#jobs/redis/running-attempts.ts'
import type { ArchiveDeps, Archiver } from './archive-ended.ts'
import { type ReconcileDeps, reconcile } from './reconcile-jobs.ts'
import { type RunningJobs, stopRun } from './running-jobs.ts'

export interface MaintainDeps extends ReconcileDeps, ArchiveDeps {
  archiver: Archiver
  running: RunningJobs
  /** Archived jobs are forgotten so many days after they ended; null keeps them for ever. */
  archiveDays: number | null
}

const everyMs = 5_000
const retainEveryMs = 60 * 60_000
const dayMs = 24 * 60 * 60_000
/** No archiver is later than this, so a tombstone has done its work. */
const tombstoneDays = 30
const forgottenAtOnce = 500

/**
 * What every worker process sees to besides running searches, in passes a few seconds apart until
 * the signal. Resolves when the last is through.
 */
export async function maintain(deps: MaintainDeps, signal: AbortSignal): Promise<void> {
  let retained = Number.NEGATIVE_INFINITY
  while (await pause(jittered(everyMs), signal)) {
    const at = deps.now().getTime()
    await attempt('check the runs of this process', () => stopVainRuns(deps))
    await attempt('reconcile', () => reconcile(deps))
    deps.archiver.wake()
    if (at - retained < retainEveryMs) continue
    if (await attempt('forget old jobs', () => forgetOldJobs(deps))) retained = at
  }

  async function attempt(what: string, deed: () => Promise<void>): Promise<boolean> {
    try {
      await deed()
      return true
    } catch (error) {
      deps.log.warn({ err: error }, `Could not ${what}; the next pass is due soon`)
      return false
    }
  }
}

/** Ends the runs of this process that nobody wants any more, should the message have been lost. */
export async function stopVainRuns({
  running,
  store,
}: Pick<MaintainDeps, 'running' | 'store'>): Promise<void> {
  for (const { run, why } of await findVainRuns(running.all(), store)) stopRun(run, why)
}

/** Retention: what ended longer ago than the archive keeps is gone, in all lists and counts. */
export async function forgetOldJobs({
  archiveDays,
  db,
  store,
  now,
}: Pick<MaintainDeps, 'archiveDays' | 'db' | 'store' | 'now'>): Promise<void> {
  const daysAgo = (days: number) => new Date(now().getTime() - days * dayMs)
  const endedBefore = archiveDays === null ? new Date(0) : daysAgo(archiveDays)
  for (;;) {
    const gone = await forgetOld(
      { endedBefore, deletedBefore: daysAgo(tombstoneDays), most: forgottenAtOnce },
      db,
    )
    await uncountJobs(gone, store)
    if (gone.length < forgottenAtOnce) return
  }
}

/** @returns false when the signal came */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await delay(ms, undefined, { signal }).catch(() => {})
  return !signal.aborted
}

function jittered(ms: number): number {
  return ms * (0.75 + Math.random() / 2)
}
