import { z } from 'zod'
import type { JobState, JobSummary } from '../job.ts'
import { isLive } from '../lifecycle.ts'
import { newestFirst, type SortKey } from '../newest-first.ts'
import { readSummaries } from './job-lists.ts'
import { keys, type Shard } from './keys.ts'
import { parseSummary } from './record.ts'
import { plainScript, runScript } from './scripts.ts'
import { allShards, type JobStore, shardForUser } from './store.ts'

const findScript = plainScript('find-jobs')
const findEndedScript = plainScript('find-ended')

/** Redis answers nothing else while it looks at this many jobs, for about a millisecond. */
const jobsPerSlice = 500

export interface UnarchivedFilter {
  /** Undefined: jobs of all users. */
  userId?: string | undefined
  state?: JobState | undefined
  search?: string | undefined
  /** Only jobs older than this one. */
  before?: SortKey | undefined
  limit: number
}

/** The newest jobs that fit the filter and are not archived yet, newest first. */
export async function findUnarchived(
  filter: UnarchivedFilter,
  store: JobStore,
): Promise<JobSummary[]> {
  const { userId, limit } = filter
  if (userId !== undefined) {
    const shard = shardForUser(userId, store)
    return findByCreation(keys.ownJobs(shard, userId), filter, store)
  }
  const perShard = allShards(store).map((shard) => findInShard(shard, filter, store))
  return (await Promise.all(perShard)).flat().sort(newestFirst).slice(0, limit)
}

async function findInShard(
  shard: Shard,
  filter: UnarchivedFilter,
  store: JobStore,
): Promise<JobSummary[]> {
  const { state } = filter
  const mayBeLive = state === undefined || isLive(state)
  const mayHaveEnded = state === undefined || !isLive(state)
  // Live jobs first, so that a job that ends between the two reads is not missed.
  const live = mayBeLive ? await findByCreation(keys.live(shard), filter, store) : []
  const ended = mayHaveEnded ? await findEnded(shard, filter, store) : []
  return [...new Map([...live, ...ended].map((job) => [job.id, job])).values()]
}

const Slice = z.tuple([z.string(), z.number(), z.string(), z.string()], z.string())

/** Searches a set that is sorted by creation, from the newest job on. */
async function findByCreation(
  set: string,
  { state, search, before, limit }: UnarchivedFilter,
  store: JobStore,
): Promise<JobSummary[]> {
  const jobs: JobSummary[] = []
  let count = state === undefined && search === undefined ? limit : jobsPerSlice
  let from = before ? [Date.parse(before.createdAt), before.id] : ['+inf', '']
  while (jobs.length < limit) {
    const [epoch, lookedAt, lastMs, lastId, ...found] = Slice.parse(
      await runScript(
        store.redis,
        findScript,
        [set],
        [search ?? '', state ?? '', ...from, count, limit - jobs.length],
      ),
    )
    jobs.push(...found.map((summary) => parseSummary(summary.split('\n'), epoch)))
    if (lookedAt < count) break
    // A slice starts at a millisecond. If more jobs of it were seen before than a slice holds, only
    // a larger slice gets past them.
    if (lastId === '') count *= 2
    else from = [lastMs, lastId]
  }
  return jobs
}

const EndedSlice = z.tuple([z.string()], z.string())

async function findEnded(
  shard: Shard,
  { state, search, before, limit }: UnarchivedFilter,
  store: JobStore,
): Promise<JobSummary[]> {
  const found = new Map<string, SortKey>()
  let cursor = '0'
  do {
    const [next, ...idsAndTimes] = EndedSlice.parse(
      await runScript(
        store.redis,
        findEndedScript,
        [keys.ended(shard)],
        [search ?? '', state ?? '', cursor, jobsPerSlice],
      ),
    )
    for (let i = 0; i + 1 < idsAndTimes.length; i += 2) {
      const [id = '', createdMs] = idsAndTimes.slice(i, i + 2)
      const job = { id, createdAt: new Date(Number(createdMs)).toISOString() }
      if (before === undefined || newestFirst(before, job) < 0) found.set(id, job)
    }
    cursor = next
  } while (cursor !== '0')
  const candidates = [...found.values()].sort(newestFirst)
  const jobs: JobSummary[] = []
  // Usually one round: only jobs that were deleted meanwhile leave room for older ones.
  while (jobs.length < limit && candidates.length > 0) {
    const next = candidates.splice(0, limit - jobs.length)
    jobs.push(
      ...(await readSummaries(
        shard,
        next.map(({ id }) => id),
        store,
      )),
    )
  }
  return jobs
}
