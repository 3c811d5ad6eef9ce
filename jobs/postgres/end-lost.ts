import { lostWithStore } from '../reconcile.ts'
import type { Shard } from '../redis/keys.ts'
import { announceLost, missingJobs, type ShardStatus, statusOf } from '../redis/lost-jobs.ts'
import { type JobStore, shardForJob } from '../redis/store.ts'
import { type AcceptedJob, acceptedAmong, readAccepted } from './accepted-jobs.ts'
import { archiveIn, type JobToArchive } from './archive.ts'
import type { Database } from './connect.ts'

export interface LostDeps {
  store: JobStore
  db: Database
}

/** Inputs may be large, so few notes are read at a time. */
const jobsPerTransaction = 100

/**
 * Ends noted jobs that Redis has lost, in the archive. Any number of processes may do so at once. A
 * job that Redis has is left alone, and one that was archived or deleted stays as it is.
 * @param ids of jobs whose notes the caller has seen. A job is noted after Redis has created it, so
 * it must be looked for in this order.
 * @returns the ids of the jobs that this call has ended
 */
export async function endLost(ids: readonly string[], deps: LostDeps): Promise<string[]> {
  const byShard = new Map<number, { shard: Shard; ids: string[] }>()
  for (const id of ids) {
    const shard = shardForJob(id, deps.store)
    if (!shard) continue
    const ofShard = byShard.get(shard.number) ?? { shard, ids: [] }
    ofShard.ids.push(id)
    byShard.set(shard.number, ofShard)
  }
  const ended: string[] = []
  for (const { shard, ids } of byShard.values()) {
    const missing = await missingJobs(ids, shard, deps.store)
    for (let i = 0; i < missing.length; i += jobsPerTransaction)
      ended.push(...(await endMissing(missing.slice(i, i + jobsPerTransaction), shard, deps)))
  }
  return ended
}

/**
 * Ends a job that is neither in Redis nor in the archive, if a note says that it was accepted.
 * @returns whether there is such a note: if so, the archive has the job now, unless it was deleted
 */
export async function endIfLost(id: string, deps: LostDeps): Promise<boolean> {
  const noted = await acceptedAmong([id], deps.db)
  await endLost(noted, deps)
  return noted.length > 0
}

async function endMissing(
  ids: readonly string[],
  shard: Shard,
  { store, db }: LostDeps,
): Promise<string[]> {
  const notes = await readAccepted(ids, db)
  if (notes.length === 0) return []
  const status = await statusOf(shard, store)
  const { ended, counted } = await db.transaction(async (tx) => {
    const ended = await archiveIn(
      notes.map((note) => lostJob(note, status)),
      tx,
    )
    // Nobody counts the archive during this transaction. If the shard was counted before, these jobs
    // are not among its counts; else, they will be counted.
    return { ended, counted: (await statusOf(shard, store)).settled }
  })
  const lost = notes.filter(({ id }) => ended.includes(id))
  if (lost.length > 0) await announceLost(lost, shard, { addToCounts: counted }, store)
  return ended
}

function lostJob(
  { id, userId, search, input, brief, acceptedAt }: AcceptedJob,
  { epoch, now }: ShardStatus,
): JobToArchive {
  const createdAt = acceptedAt.toISOString()
  // The clock of a new Redis may be behind that of the one that is lost.
  const finishedAt = (now > acceptedAt ? now : acceptedAt).toISOString()
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
