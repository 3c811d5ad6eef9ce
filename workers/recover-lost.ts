import type { Log } from '#jobs/log.ts'
import {
  type AcceptedJob,
  acceptedAfter,
  forgetSettled,
  notSettled,
  withArchiveCounts,
} from '#jobs/postgres/accepted-jobs.ts'
import { archiveJobs, type JobToArchive } from '#jobs/postgres/archive.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import { lostWithStore } from '#jobs/reconcile.ts'
import { claimStore, epochOf, renewEpochs } from '#jobs/redis/epoch.ts'
import { countJobsOf } from '#jobs/redis/job-lists.ts'
import type { Shard } from '#jobs/redis/keys.ts'
import { announceLost, endedIn, missingJobs, restoreTally } from '#jobs/redis/lost-jobs.ts'
import { allShards, type JobStore } from '#jobs/redis/store.ts'

export interface RecoverDeps {
  store: JobStore
  db: Database
  makeEpoch(): string
  now(): Date
  log: Log
}

const jobsPerPage = 500

/**
 * Finds the jobs that a Redis has lost which came back empty or older, and ends them in the
 * archive. A changed epoch tells that this may have happened.
 * @param known the epoch of each shard at the last call, by its number; updated
 */
export async function recoverLost(known: Map<number, string>, deps: RecoverDeps): Promise<void> {
  const { store, db } = deps
  // Also notices a Redis that was emptied while the connection to it stayed.
  await renewEpochs(deps.makeEpoch, store)
  await claimStore(store)
  for (const shard of allShards(store)) {
    const epoch = await epochOf(shard, store)
    if (known.get(shard.number) === epoch) continue
    await forgetSettled(db)
    await endLostJobs(shard, epoch, deps)
    await restoreCounts(shard, deps)
    known.set(shard.number, epoch)
  }
}

async function endLostJobs(shard: Shard, epoch: string, deps: RecoverDeps): Promise<void> {
  const { store, db, log } = deps
  for (let after = ''; ; ) {
    const page = { shard: shard.number, limit: jobsPerPage }
    const noted = await acceptedAfter(after, page, db)
    const last = noted.at(-1)
    if (!last) return
    after = last.id
    const missing = await missingJobs(
      noted.map(({ id }) => id),
      shard,
      store,
    )
    // Redis is asked first: jobs move from there to the archive.
    const lostIds = new Set(await notSettled(missing, db))
    const lost = noted.filter(({ id }) => lostIds.has(id))
    if (lost.length === 0) continue
    await archiveJobs(
      lost.map((job) => lostJob(job, epoch, deps.now())),
      db,
    )
    log.warn({ jobs: lost.length }, 'Redis has lost jobs; they were ended in the archive')
    await announceLost([...new Set(lost.map(({ userId }) => userId))], shard, store)
  }
}

function lostJob(
  { id, userId, search, input, brief, acceptedAt }: AcceptedJob,
  epoch: string,
  now: Date,
): JobToArchive {
  const createdAt = acceptedAt.toISOString()
  const finishedAt = now.toISOString()
  const events = [
    { at: createdAt, state: 'new', attempt: 0 },
    { at: finishedAt, state: 'error', attempt: 0, message: lostWithStore },
  ]
  return {
    job: {
      id,
      userId,
      search,
      input,
      state: 'error',
      message: lostWithStore,
      progress: null,
      rowCount: 0,
      attempt: 0,
      epoch,
      seq: events.length,
      createdAt,
      startedAt: null,
      finishedAt,
    },
    brief,
    stack: null,
    async *log() {
      yield events.map((data, i) => ({ seq: i + 1, type: 'state', data: JSON.stringify(data) }))
    },
  }
}

/** If the archive holds more ended jobs than Redis has counted, Redis has lost its counts. */
async function restoreCounts(shard: Shard, { store, db, log }: RecoverDeps): Promise<void> {
  const ended = await endedIn(shard, store)
  await withArchiveCounts(
    shard.number,
    ended,
    async (archived, alsoInRedis) => {
      const counted = await countJobsOf(shard, store)
      const counts = {
        complete: archived.get('complete') ?? 0,
        error: archived.get('error') ?? 0,
        cancelled: archived.get('cancelled') ?? 0,
      }
      const right =
        counts.complete <= counted.complete &&
        counts.error <= counted.error &&
        counts.cancelled <= counted.cancelled &&
        counted.new >= 0 &&
        counted.running >= 0
      if (right) return
      await restoreTally(shard, counts, alsoInRedis, store)
      log.warn({ shard: shard.number, archived: counts }, 'Counted the jobs anew')
    },
    db,
  )
}
