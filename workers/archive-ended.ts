import { CoalescedTask } from '#jobs/coalesced-task.ts'
import type { Log } from '#jobs/log.ts'
import { archivedAlike, archiveJobs } from '#jobs/postgres/archive.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import {
  claimEnded,
  type EndedJob,
  jobToArchive,
  readEnded,
  releaseJobs,
} from '#jobs/redis/ended-jobs.ts'
import type { Shard } from '#jobs/redis/keys.ts'
import { dropEnded } from '#jobs/redis/lost-jobs.ts'
import { dequeueJob, type Queues } from '#jobs/redis/queue.ts'
import { allShards, type JobStore } from '#jobs/redis/store.ts'

export interface ArchiveDeps {
  store: JobStore
  db: Database
  queues: Queues
  log: Log
}

const jobsPerTransaction = 100

/**
 * Archives all ended jobs, removes their entries from the queue, and only then lets their keys
 * expire. Any number of processes may do so at once: they share the jobs. A job that fails is
 * handed out again later.
 */
export async function archiveEnded(deps: ArchiveDeps): Promise<void> {
  for (const shard of allShards(deps.store)) {
    for (;;) {
      const ids = await claimEnded(shard, jobsPerTransaction, deps.store)
      if (ids.length === 0) break
      const jobs = await readEnded(ids, shard, deps.store)
      await archiveAndRelease(jobs, shard, deps).catch((error) =>
        archiveEach(jobs, error, shard, deps),
      )
      // A job that is no longer in Redis was deleted meanwhile.
      const found = new Set(jobs.map(({ job }) => job.id))
      await releaseJobs(
        ids.filter((id) => !found.has(id)),
        shard,
        deps.store,
      )
    }
  }
}

async function archiveAndRelease(
  jobs: readonly EndedJob[],
  shard: Shard,
  { store, db, queues }: ArchiveDeps,
): Promise<void> {
  const added = await archiveJobs(
    jobs.map((ended) => jobToArchive(ended, shard, store)),
    db,
  )
  // BullMQ removes the entries of completed jobs itself; a job that ended otherwise may still have
  // one.
  for (const { job } of jobs) if (job.state !== 'complete') await dequeueJob(job, queues)
  const rest = jobs.flatMap(({ job }) => (added.includes(job.id) ? [] : [job]))
  // An archiver that died or lost Redis after its commit has left these.
  const alike = await archivedAlike(rest, db)
  await releaseJobs([...added, ...alike], shard, store)
  // These are deleted or archived with another ending: an older Redis has run them again, and its
  // copy must not be read instead of the first ending.
  const again = rest.flatMap(({ id }) => (alike.includes(id) ? [] : [id]))
  await dropEnded(again, shard, store)
}

/** After this many failures without a success, the database is to blame, not the jobs. */
const failuresOfOutage = 3

/**
 * Archives jobs one by one, so that a broken one doesn't keep the others from the archive.
 * @throws `cause`, the error of archiving them together, if the database seems to be unreachable
 */
async function archiveEach(
  jobs: readonly EndedJob[],
  cause: unknown,
  shard: Shard,
  deps: ArchiveDeps,
): Promise<void> {
  let [archived, failed] = [0, 0]
  // Start at a random job, so that the same few failures don't always come first.
  const first = Math.floor(Math.random() * jobs.length)
  for (const ended of [...jobs.slice(first), ...jobs.slice(0, first)]) {
    try {
      await archiveAndRelease([ended], shard, deps)
      archived++
    } catch (error) {
      failed++
      if (archived === 0 && failed === Math.min(failuresOfOutage, jobs.length)) throw cause
      deps.log.error({ err: error, job: ended.job.id }, 'Could not archive a job; will retry')
    }
  }
}

export interface Archiver {
  /** Call this when a job has ended. */
  wake(): void
  /** Resolves when no archiving is under way. */
  idle(): Promise<void>
}

/** Archives all ended jobs whenever it is woken. */
export function createArchiver(deps: ArchiveDeps): Archiver {
  const archiving = new CoalescedTask(
    () => archiveEnded(deps),
    (error) => deps.log.warn({ err: error }, 'Could not archive; nothing is lost, will retry'),
  )
  return { wake: () => archiving.request(), idle: () => archiving.idle() }
}
