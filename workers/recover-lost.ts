import type { Log } from '#jobs/log.ts'
import {
  acceptedAfter,
  countArchived,
  endedAmong,
  withArchiveAtRest,
} from '#jobs/postgres/accepted-jobs.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import { endLost } from '#jobs/postgres/end-lost.ts'
import { claimStore, renewEpochs } from '#jobs/redis/epoch.ts'
import type { Shard } from '#jobs/redis/keys.ts'
import { dropEnded, endedIn, liveIn, recountJobs, statusOf } from '#jobs/redis/lost-jobs.ts'
import { allShards, type JobStore } from '#jobs/redis/store.ts'

export interface RecoverDeps {
  store: JobStore
  db: Database
  makeEpoch(): string
  log: Log
}

const jobsPerPage = 500

/**
 * Makes good what a Redis has lost that came back empty or older; a changed epoch tells that this
 * may have happened. Redis remembers for which epoch it was done, so it is done once. Any number of
 * processes may do so at once.
 *
 * 1. Ends jobs that were accepted and are nowhere.
 * 2. Drops jobs that have ended but are live again.
 * 3. Counts all jobs anew.
 */
export async function recoverLost(deps: RecoverDeps): Promise<void> {
  const { store } = deps
  // Also notices a Redis that was emptied while the connection to it stayed.
  await renewEpochs(deps.makeEpoch, store)
  const unsettled: Shard[] = []
  for (const shard of allShards(store))
    if (!(await statusOf(shard, store)).settled) unsettled.push(shard)
  if (unsettled.length === 0) return
  await claimStore(store)
  for (let after: string | null = ''; after !== null; ) after = await endLostAfter(after, deps)
  for (const shard of unsettled) {
    await dropRevived(shard, deps)
    await recount(shard, deps)
  }
}

/**
 * Ends the lost ones among the noted jobs of one page.
 * @param after the last id of the page before; '' for the first page
 * @returns where the next page starts; null if this was the last one
 */
export async function endLostAfter(
  after: string,
  deps: Pick<RecoverDeps, 'store' | 'db' | 'log'>,
): Promise<string | null> {
  const noted = await acceptedAfter(after, jobsPerPage, deps.db)
  const lost = await endLost(noted, deps)
  if (lost.length > 0)
    deps.log.warn({ jobs: lost.length }, 'Redis has lost jobs; they were ended in the archive')
  return noted.length === jobsPerPage ? (noted.at(-1) ?? null) : null
}

async function dropRevived(shard: Shard, { store, db, log }: RecoverDeps): Promise<void> {
  const live = await liveIn(shard, store)
  for (let i = 0; i < live.length; i += jobsPerPage) {
    const revived = await endedAmong(live.slice(i, i + jobsPerPage), db)
    await dropEnded(revived, shard, store)
    if (revived.length > 0)
      log.warn(
        { jobs: revived.length },
        'Redis has brought back jobs that have ended; dropped them',
      )
  }
}

async function recount(shard: Shard, { store, db, log }: RecoverDeps): Promise<void> {
  await withArchiveAtRest(async (tx) => {
    const { epoch, settled } = await statusOf(shard, store)
    // Another worker was faster.
    if (settled) return
    const archived = await countArchived(shard.number, tx)
    // Read after the archive has come to rest, so that each ended job counts once: here or there.
    const also = await endedAmong(await endedIn(shard, store), tx)
    if (await recountJobs(shard, epoch, archived, also, store))
      log.info({ shard: shard.number, archived }, 'Counted the jobs anew')
  }, db)
}
