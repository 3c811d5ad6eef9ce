import { CoalescedTask } from '#jobs/coalesced-task.ts'
import type { Log } from '#jobs/log.ts'
import { archiveJobs } from '#jobs/postgres/archive.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import {
  claimEnded,
  type EndedJob,
  readEnded,
  readLogInParts,
  releaseJobs,
} from '#jobs/redis/ended-jobs.ts'
import type { Shard } from '#jobs/redis/keys.ts'
import { dequeueJob, type Queues } from '#jobs/redis/queue.ts'
import { allShards, type JobStore } from '#jobs/redis/store.ts'

export interface ArchiveDeps {
  store: JobStore
  db: Database
  queues: Queues
  now(): Date
  log: Log
}

const jobsPerTransaction = 100

/**
 * Cleans up after the jobs that have ended: what is left of them in the queue goes, they are
 * archived, and only then their keys may expire. Any number of processes may do it at once: they
 * share the jobs. What fails is handed out again later.
 */
export async function archiveEnded(deps: ArchiveDeps): Promise<void> {
  for (const shard of allShards(deps.store)) {
    for (;;) {
      const ids = await claimEnded(shard, jobsPerTransaction, deps.now(), deps.store)
      if (ids.length === 0) break
      const jobs = await readEnded(ids, shard, deps.store)
      await archiveAndRelease(jobs, shard, deps).catch((error) =>
        archiveEach(jobs, error, shard, deps),
      )
      // One that is not in Redis any more was deleted meanwhile.
      const held = new Set(jobs.map(({ job }) => job.id))
      await releaseJobs(
        ids.filter((id) => !held.has(id)),
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
  await archiveJobs(
    jobs.map((ended) => ({ ...ended, log: () => readLogInParts(ended.job.id, shard, store) })),
    db,
  )
  // The queue forgets by itself what its worker completed; one that was ended by others may still
  // wait there.
  for (const { job } of jobs) if (job.state !== 'complete') await dequeueJob(job, queues)
  const ids = jobs.map(({ job }) => job.id)
  await releaseJobs(ids, shard, store)
}

/** So many failures before any success, and it is not the jobs that are to blame. */
const outageAfter = 3

/**
 * One job that can't be archived keeps no other from it.
 * @throws the database's error when it is out of reach
 */
async function archiveEach(
  jobs: readonly EndedJob[],
  cause: unknown,
  shard: Shard,
  deps: ArchiveDeps,
): Promise<void> {
  let [done, failed] = [0, 0]
  // Start at another job each time, so that the same few failures don't always come first.
  const first = Math.floor(Math.random() * jobs.length)
  for (const ended of [...jobs.slice(first), ...jobs.slice(0, first)]) {
    try {
      await archiveAndRelease([ended], shard, deps)
      done++
    } catch (error) {
      failed++
      if (done === 0 && failed === Math.min(outageAfter, jobs.length)) throw cause
      deps.log.error({ err: error, job: ended.job.id }, 'Could not archive a job; will try again')
    }
  }
}

export interface Archiver {
  /** Something has ended. */
  wake(): void
  /** Resolves when what runs now is through. */
  idle(): Promise<void>
}

/** Archives whenever it is woken; woken while it works, it looks once more. */
export function createArchiver(deps: ArchiveDeps): Archiver {
  const warn = (error: unknown) =>
    deps.log.warn({ err: error }, 'Could not archive; nothing is lost, will try again')
  const archiving = new CoalescedTask(() => archiveEnded(deps).catch(warn), warn)
  return { wake: () => archiving.request(), idle: () => archiving.idle() }
}
