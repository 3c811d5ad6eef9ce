import { z } from 'zod'
import type { Row } from '../define-search.ts'
import type { LoggedEvent } from '../events.ts'
import type { Job } from '../job.ts'
import { keys, type Shard } from './keys.ts'
import { readEntries } from './log-entry.ts'
import { answersOf } from './pipeline.ts'
import { patched } from './read-job.ts'
import { parseRecord } from './record.ts'
import { plainScript, runScript } from './scripts.ts'
import type { JobStore } from './store.ts'

const claimScript = plainScript('claim-ended')
const releaseScript = plainScript('release-jobs')

/** How long an archived job stays in Redis, for readers that still watch its end. */
const graceSeconds = 10 * 60
/** How long an archiver's claim lasts. If it dies or fails, its jobs are handed out again. */
const claimMs = 10_000

const Ids = z.array(z.string())

/** Claims up to `limit` ended jobs for the archive, longest-waiting first. */
export async function claimEnded(shard: Shard, limit: number, store: JobStore): Promise<string[]> {
  return Ids.parse(await runScript(store.redis, claimScript, [keys.ended(shard)], [claimMs, limit]))
}

/** An ended job as the archive stores it, without its log. */
export interface EndedJob {
  job: Job
  /** The input, with long values cut short. */
  brief: Job['input']
  /** The stack of its error, for admins. */
  stack: string | null
}

/** Reads ended jobs without their logs; skips those that are no longer in Redis. */
export async function readEnded(
  ids: readonly string[],
  shard: Shard,
  store: JobStore,
): Promise<EndedJob[]> {
  if (ids.length === 0) return []
  const pipeline = store.redis.pipeline().hget(keys.shard(shard), 'epoch')
  for (const id of ids) pipeline.llen(keys.log(shard, id)).hgetall(keys.record(shard, id))
  const [epoch, ...answers] = await answersOf(pipeline)
  return ids.flatMap((id, i) => {
    const fields = z.record(z.string(), z.string()).parse(answers[2 * i + 1])
    if (fields.state === undefined) return []
    const job = parseRecord(fields, { id, seq: Number(answers[2 * i]), epoch: String(epoch ?? '') })
    return [{ job, brief: JSON.parse(fields.brief ?? '{}'), stack: fields.stack ?? null }]
  })
}

/** An ended job with what the archive reads of it. */
export function jobToArchive(ended: EndedJob, shard: Shard, store: JobStore) {
  const { id, patched: changed } = ended.job
  return {
    ...ended,
    log: () => readLogInParts(id, shard, store),
    async patch(rows: Row[], from: number): Promise<Row[]> {
      if (!changed || rows.length === 0) return rows
      const indexes = rows.map((_, i) => String(from + i))
      const cells = await store.redis.hmget(keys.patches(shard, id), ...indexes)
      return patched(
        rows,
        cells.map((each) => each ?? ''),
      )
    },
  }
}

const eventsPerPart = 200

/** Yields the durable events of a job in order, in parts, because a log may hold 32 MB. */
export async function* readLogInParts(
  id: string,
  shard: Shard,
  store: JobStore,
): AsyncGenerator<LoggedEvent[]> {
  for (let from = 0; ; from += eventsPerPart) {
    const entries = await store.redis.lrange(keys.log(shard, id), from, from + eventsPerPart - 1)
    if (entries.length > 0) yield readEntries(entries, from + 1)
    if (entries.length < eventsPerPart) return
  }
}

/** Starts the expiry of archived jobs in Redis. Call it only after the archive has committed. */
export async function releaseJobs(
  ids: readonly string[],
  shard: Shard,
  store: JobStore,
): Promise<void> {
  if (ids.length === 0) return
  await runScript(
    store.redis,
    releaseScript,
    ids.map((id) => keys.record(shard, id)),
    [graceSeconds],
  )
}
