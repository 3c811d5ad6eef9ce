import { z } from 'zod'
import type { JobState, JobSummary } from '../job.ts'
import { newestFirst, type SortKey } from '../newest-first.ts'
import { readSummaries } from './job-lists.ts'
import { keys, type Shard } from './keys.ts'
import { plainScript, runScript } from './scripts.ts'
import { allShards, type JobStore, shardForUser } from './store.ts'

const findScript = plainScript('find-jobs')

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
  const { userId, state, limit } = filter
  if (userId !== undefined) {
    const shard = shardForUser(userId, store)
    const found = await findIn(keys.ownJobs(shard, userId), 'newest', shard, filter, store)
    return readNewest(found, shard, limit, store)
  }
  const ended = state !== 'new' && state !== 'running'
  const perShard = allShards(store).map(async (shard) => {
    // Live jobs first, so that a job that ends between the two reads is not missed.
    const live =
      ended && state !== undefined
        ? []
        : await findIn(keys.live(shard), 'newest', shard, filter, store)
    const done = ended ? await findIn(keys.ended(shard), 'any', shard, filter, store) : []
    return readNewest([...live, ...done], shard, limit, store)
  })
  return (await Promise.all(perShard)).flat().sort(newestFirst).slice(0, limit)
}

const Slice = z.tuple([z.number(), z.string(), z.number()], z.string())

/**
 * The jobs in a sorted set that fit the filter: up to `limit` of the newest if it is in the order of
 * creation, else all of them.
 */
async function findIn(
  set: string,
  order: 'newest' | 'any',
  shard: Shard,
  { state, search, before, limit }: UnarchivedFilter,
  store: JobStore,
): Promise<SortKey[]> {
  const found = new Map<string, SortKey>()
  const beforeMs = before ? Date.parse(before.createdAt) : ''
  let score = order === 'newest' ? String(before ? beforeMs : '+inf') : '-inf'
  for (let skip = 0; order === 'any' || found.size < limit; ) {
    const [looked, last, atLast, ...jobs] = Slice.parse(
      await runScript(
        store.redis,
        findScript,
        [set],
        [
          keys.record(shard, ''),
          search ?? '',
          state ?? '',
          beforeMs,
          before?.id ?? '',
          order,
          score,
          skip,
          jobsPerSlice,
        ],
      ),
    )
    for (let i = 0; i + 1 < jobs.length; i += 2) {
      const [id = '', createdMs] = jobs.slice(i, i + 2)
      found.set(id, { id, createdAt: new Date(Number(createdMs)).toISOString() })
    }
    if (looked < jobsPerSlice) break
    skip = last === score ? skip + atLast : atLast
    score = last
  }
  return [...found.values()]
}

async function readNewest(
  found: SortKey[],
  shard: Shard,
  limit: number,
  store: JobStore,
): Promise<JobSummary[]> {
  const newest = found.sort(newestFirst).slice(0, limit)
  const ids = [...new Set(newest.map(({ id }) => id))]
  return (await readSummaries(shard, ids, store)).sort(newestFirst)
}
