import { z } from 'zod'
import type { Row } from '../define-search.ts'
import { CellsData, type LoggedEvent, RowsEvent } from '../events.ts'
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

/** A reader that is further behind than this gets a snapshot. */
const replayLimits = { events: 300, bytes: 64 * 1024 }

const strings = z.array(z.string())
const Reading = z.union([
  z.tuple([z.string()]),
  z.tuple([z.string(), z.number(), strings, z.enum(['replay', 'snapshot']), strings]),
])

/** The job, with the events since a position unless there are too many. Null if not in Redis. */
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

const Rows = z.union([
  z.tuple([]),
  z.tuple([z.coerce.number(), z.coerce.number(), strings, strings]),
])

/** Up to `limit` rows of the current attempt, starting at index `from`. Null if not in Redis. */
export async function readRows(
  id: string,
  { from, limit }: { from: number; limit: number },
  store: JobStore,
): Promise<RowsPage | null> {
  const shard = shardForJob(id, store)
  if (!shard) return null
  const [attempt, rowCount, entries, patches] = Rows.parse(
    await runScript(
      store.redis,
      rowsScript,
      [keys.record(shard, id), keys.log(shard, id), keys.rows(shard, id), keys.patches(shard, id)],
      [from, limit],
    ),
  )
  if (attempt === undefined || rowCount === undefined) return null
  const events = (entries ?? [])
    .map(readEntry)
    .flatMap(({ type, data }) => (type === 'rows' ? [RowsEvent.parse(JSON.parse(data))] : []))
  const first = events[0]?.from ?? from
  const rows = events.flatMap((event) => event.rows).slice(from - first, from - first + limit)
  return { attempt, from, rows: patched(rows, patches ?? []), rowCount }
}

/** @param patches the changed cells of each row as JSON, '' for none; empty if no row has changed */
export function patched(rows: readonly Row[], patches: readonly string[]): Row[] {
  return rows.map((row, i) => {
    const cells = patches[i]
    return cells ? { ...row, ...CellsData.parse(JSON.parse(cells)) } : row
  })
}

/** The stack of a job's error; null if it has none or the job is not in Redis. */
export async function readStack(id: string, store: JobStore): Promise<string | null> {
  const shard = shardForJob(id, store)
  return shard && store.redis.hget(keys.record(shard, id), 'stack')
}

/** All durable events of a job in order; null if it is not in Redis. */
export async function readLog(id: string, store: JobStore): Promise<LoggedEvent[] | null> {
  const shard = shardForJob(id, store)
  if (!shard) return null
  const entries = await store.redis.lrange(keys.log(shard, id), 0, -1)
  return entries.length === 0 ? null : readEntries(entries, 1)
}

/** The seq of a job's latest event; 0 if it is not in Redis. */
export function seqOf(id: string, store: JobStore): Promise<number> {
  const shard = shardForJob(id, store)
  return shard ? store.redis.llen(keys.log(shard, id)) : Promise.resolve(0)
}
