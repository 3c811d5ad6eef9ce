import { setTimeout as delay } from 'node:timers/promises'
import { forgetSettled } from '#jobs/postgres/accepted-jobs.ts'
import { deleteExpired } from '#jobs/postgres/delete-archived.ts'
import { uncountJobs } from '#jobs/redis/delete-job.ts'
import { sweepVersions } from '#jobs/redis/job-lists.ts'
import { findObsoleteRuns } from '#jobs/redis/running-attempts.ts'
import { allShards } from '#jobs/redis/store.ts'
import type { ArchiveDeps, Archiver } from './archive-ended.ts'
import { type ReconcileDeps, reconcile } from './reconcile-jobs.ts'
import { type RecoverDeps, recoverLost } from './recover-lost.ts'
import { type RunningJobs, stopRun } from './running-jobs.ts'

export interface MaintainDeps extends ReconcileDeps, ArchiveDeps, RecoverDeps {
  archiver: Archiver
  running: RunningJobs
  /** Archived jobs are deleted this many days after they ended; null keeps them forever. */
  archiveDays: number | null
}

const passEveryMs = 5_000
const cleanEveryMs = 60 * 60_000
const dayMs = 24 * 60 * 60_000
/** No archiver is later than this, so older tombstones are no longer needed. */
const tombstoneDays = 30
const jobsPerDelete = 500

/**
 * Periodic upkeep of a worker: stops obsolete runs, reconciles, archives and deletes old jobs. Runs
 * until aborted; resolves when the last pass is done.
 */
export async function maintain(deps: MaintainDeps, signal: AbortSignal): Promise<void> {
  let cleanedAt = Number.NEGATIVE_INFINITY
  const epochs = new Map<number, string>()
  while (await pause(jittered(passEveryMs), signal)) {
    const at = deps.now().getTime()
    await tried('check the runs of this process', () => stopObsoleteRuns(deps))
    await tried('look for lost jobs', () => recoverLost(epochs, deps))
    await tried('reconcile', () => reconcile(deps))
    deps.archiver.wake()
    if (at - cleanedAt < cleanEveryMs) continue
    const cleaned = await tried('delete old jobs', async () => {
      await deleteOldJobs(deps)
      await forgetSettled(deps.db)
      for (const shard of allShards(deps.store)) await sweepVersions(shard, deps.store)
    })
    if (cleaned) cleanedAt = at
  }

  async function tried(name: string, task: () => Promise<void>): Promise<boolean> {
    try {
      await task()
      return true
    } catch (error) {
      deps.log.warn({ err: error }, `Could not ${name}; will retry in the next pass`)
      return false
    }
  }
}

/** Stops obsolete runs of this process whose message on the control channel was lost. */
export async function stopObsoleteRuns({
  running,
  store,
}: Pick<MaintainDeps, 'running' | 'store'>): Promise<void> {
  for (const { run, why } of await findObsoleteRuns(running.all(), store)) stopRun(run, why)
}

/** Deletes archived jobs past their retention, from all lists and counts too. */
export async function deleteOldJobs({
  archiveDays,
  db,
  store,
  now,
}: Pick<MaintainDeps, 'archiveDays' | 'db' | 'store' | 'now'>): Promise<void> {
  const daysAgo = (days: number) => new Date(now().getTime() - days * dayMs)
  const endedBefore = archiveDays === null ? new Date(0) : daysAgo(archiveDays)
  for (;;) {
    const deleted = await deleteExpired(
      { endedBefore, deletedBefore: daysAgo(tombstoneDays), limit: jobsPerDelete },
      db,
    )
    await uncountJobs(deleted, store)
    if (deleted.length < jobsPerDelete) return
  }
}

/** @returns false if aborted */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await delay(ms, undefined, { signal }).catch(() => {})
  return !signal.aborted
}

function jittered(ms: number): number {
  return ms * (0.75 + Math.random() / 2)
}
