import { z } from 'zod'
import type { Row } from '../define-search.ts'
import { RowsEvent } from '../events.ts'
import type { Job } from '../job.ts'
import { keys } from './keys.ts'
import { parseRecord } from './record.ts'
import { plainScript, runScript } from './scripts.ts'
import { type JobStore, shardForJob } from './store.ts'

const readScript = plainScript('read-job')
const rowsScript = plainScript('read-rows')

/** How far a reader is: a `seq` counts only under its epoch. */
export interface Position {
  epoch: string
  seq: number
}

/** A durable event as it is stored; `data` is JSON, passed through. */
export interface StoredEvent {
  seq: number
  type: string
  data: string
}

export type JobReading = { mode: 'replay'; job: Job; events: StoredEvent[] } | { mode: 'snapshot'; job: Job }

/** Further behind than this, a reader is better served with a snapshot. */
const replayLimits = { events: 300, bytes: 64 * 1024 }

const strings = z.array(z.string())
const Reading = z.union([
  z.tuple([z.string(), strings, z.enum(['replay', 'snapshot']), strings]),
  z.tuple([z.string(), z.tuple([])]),
])

/** The job, and what happened since a position where that is little; null when it is not in Redis. */
export async function readJob(id: string, since: Position | null, store: JobStore): Promise<JobReading | null> {
  const shard = shardForJob(id, store)
  if (!shard) return null
  const [epoch, record, mode, flat] = Reading.parse(
    await runScript(
      store.redis,
      readScript,
      [keys.record(shard, id), keys.log(shard, id), keys.epoch(shard)],
      [since?.epoch ?? '', since?.seq ?? '', replayLimits.events, replayLimits.bytes],
    ),
  )
  const job = parseRecord(record, epoch)
  if (!job) return null
  if (mode === 'snapshot') return { mode, job }
  const events: StoredEvent[] = []
  for (let i = 0; flat && i < flat.length; i += 3) {
    events.push({ seq: Number(flat[i]), type: flat[i + 1] ?? '', data: flat[i + 2] ?? '' })
  }
  return { mode: 'replay', job, events }
}

export interface RowsPage {
  attempt: number
  /** Index of the first row of the page. */
  from: number
  rows: Row[]
  rowCount: number
}

const Rows = z.union([z.tuple([]), z.tuple([z.coerce.number(), z.coerce.number(), strings])])

/** Rows `from`, `from + 1`, … of the current attempt, at most `limit`; null when the job is not in Redis. */
export async function readRows(
  id: string,
  { from, limit }: { from: number; limit: number },
  store: JobStore,
): Promise<RowsPage | null> {
  const shard = shardForJob(id, store)
  if (!shard) return null
  const [attempt, rowCount, chunks] = Rows.parse(
    await runScript(store.redis, rowsScript, [keys.record(shard, id), keys.log(shard, id), keys.rows(shard, id)], [from, limit]),
  )
  if (attempt === undefined || rowCount === undefined) return null
  const events = (chunks ?? []).map((chunk) => RowsEvent.parse(JSON.parse(chunk)))
  const first = events[0]?.from ?? from
  const rows = events.flatMap((event) => event.rows).slice(from - first, from - first + limit)
  return { attempt, from, rows, rowCount }
}

/** All durable events of a job in order; null when it is not in Redis. For the archive and the timeline. */
export async function readLog(id: string, store: JobStore): Promise<StoredEvent[] | null> {
  const shard = shardForJob(id, store)
  if (!shard) return null
  const entries = await store.redis.xrange(keys.log(shard, id), '-', '+')
  if (entries.length === 0) return null
  return entries.map(([entry, [, type = '', , data = '']]) => ({ seq: Number.parseInt(entry, 10), type, data }))
}

/** Where each of these jobs is now; those that are not in Redis are left out. */
export async function positionsOf(ids: readonly string[], store: JobStore): Promise<Map<string, Position>> {
  const positions = new Map<string, Position>()
  const epochs = new Map<number, Promise<string | null>>()
  await Promise.all(
    ids.map(async (id) => {
      const shard = shardForJob(id, store)
      if (!shard) return
      const epoch = epochs.get(shard.number) ?? store.redis.get(keys.epoch(shard))
      epochs.set(shard.number, epoch)
      // Sent in one go: ioredis writes the commands of one tick together.
      const [current, seq] = await Promise.all([epoch, store.redis.hget(keys.record(shard, id), 'seq')])
      if (seq !== null) positions.set(id, { epoch: current ?? '', seq: Number(seq) })
    }),
  )
  return positions
}
