import { z } from 'zod'
import { type LoggedEvent, RowsEvent } from '../events.ts'
import type { Job } from '../job.ts'
import type { Position } from '../position.ts'
import type { RowsPage } from '../rows-page.ts'
import { keys } from './keys.ts'
import { readEntries, readEntry } from './log-entry.ts'
import { fieldsOf, parseRecord } from './record.ts'
import { plainScript, runScript } from './scripts.ts'
import { type JobStore, shardForJob } from './store.ts'

const readScript = plainScript('read-job')
const rowsScript = plainScript('read-rows')

export type JobReading =
  | { mode: 'replay'; job: Job; events: LoggedEvent[] }
  | { mode: 'snapshot'; job: Job }

/** Further behind than this, a reader is better served with a snapshot. */
const replayLimits = { events: 300, bytes: 64 * 1024 }

const strings = z.array(z.string())
const Reading = z.union([
  z.tuple([z.string()]),
  z.tuple([z.string(), z.number(), strings, z.enum(['replay', 'snapshot']), strings]),
])

/**
 * The job, and what happened since a position where that is little; null when it is not in Redis.
 */
export async function readJob(
  id: string,
  since: Position | null,
  store: JobStore,
): Promise<JobReading | null> {
  const shard = shardForJob(id, store)
  if (!shard) return null
  const answer = Reading.parse(
    await runScript(
      store.redis,
      readScript,
      [keys.record(shard, id), keys.log(shard, id), keys.shard(shard)],
      [since?.epoch ?? '', since?.seq ?? '', replayLimits.events, replayLimits.bytes],
    ),
  )
  if (answer.length === 1) return null
  const [epoch, seq, record, mode, entries] = answer
  const job = parseRecord(fieldsOf(record), { id, seq, epoch })
  return mode === 'snapshot'
    ? { mode, job }
    : { mode, job, events: readEntries(entries, seq - entries.length + 1) }
}

const Rows = z.union([z.tuple([]), z.tuple([z.coerce.number(), z.coerce.number(), strings])])

/**
 * Rows `from`, `from + 1`, … of the current attempt, at most `limit`; null when the job is not in
 * Redis.
 */
export async function readRows(
  id: string,
  { from, limit }: { from: number; limit: number },
  store: JobStore,
): Promise<RowsPage | null> {
  const shard = shardForJob(id, store)
  if (!shard) return null
  const [attempt, rowCount, entries] = Rows.parse(
    await runScript(
      store.redis,
      rowsScript,
      [keys.record(shard, id), keys.log(shard, id), keys.rows(shard, id)],
      [from, limit],
    ),
  )
  if (attempt === undefined || rowCount === undefined) return null
  const events = (entries ?? [])
    .map(readEntry)
    .flatMap(({ type, data }) => (type === 'rows' ? [RowsEvent.parse(JSON.parse(data))] : []))
  const first = events[0]?.from ?? from
  const rows = events.flatMap((event) => event.rows).slice(from - first, from - first + limit)
  return { attempt, from, rows, rowCount }
}

/** Where the error of a job came from; null when it has none, or is not in Redis. */
export async function readStack(id: string, store: JobStore): Promise<string | null> {
  const shard = shardForJob(id, store)
  return shard && store.redis.hget(keys.record(shard, id), 'stack')
}

/**
 * All durable events of a job in order; null when it is not in Redis. For the archive and the
 * timeline.
 */
export async function readLog(id: string, store: JobStore): Promise<LoggedEvent[] | null> {
  const shard = shardForJob(id, store)
  if (!shard) return null
  const entries = await store.redis.lrange(keys.log(shard, id), 0, -1)
  return entries.length === 0 ? null : readEntries(entries, 1)
}

/** How many events a job has had; 0 when it is not in Redis. */
export function seqOf(id: string, store: JobStore): Promise<number> {
  const shard = shardForJob(id, store)
  return shard ? store.redis.llen(keys.log(shard, id)) : Promise.resolve(0)
}
