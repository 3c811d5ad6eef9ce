import { StateEvent } from '#jobs/events.ts'
import type { Job } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import type { Position } from '#jobs/position.ts'
import { parseChannelMessage } from '#jobs/redis/announcements.ts'
import { keys } from '#jobs/redis/keys.ts'
import { type JobReading, seqOf } from '#jobs/redis/read-job.ts'
import { type JobStore, shardForJob } from '#jobs/redis/store.ts'
import type { Ledger } from './ledger.ts'
import { LiveEvent } from './live-event.ts'

/** Reads a job from Redis, else from the archive; null if neither has it. */
export type ReadJob = (id: string, since: Position | null) => Promise<JobReading | null>

/**
 * The ledger of a job: its log in Redis, and its record in Redis or the archive.
 * @returns null if no job can have this id
 */
export function jobLedger(
  id: string,
  { store, read }: { store: JobStore; read: ReadJob },
): Ledger<Job, LiveEvent> | null {
  const shard = shardForJob(id, store)
  if (!shard) return null
  const liveEvent = (seq: number | null, type: string, data: string) =>
    new LiveEvent(id, seq, type, data)
  return {
    name: id,
    channel: keys.log(shard, id),
    parse(message) {
      const { seq, epoch, type, data } = parseChannelMessage(message)
      return { epoch, event: liveEvent(seq, type, data) }
    },
    async read(since) {
      const reading = await read(id, since)
      if (!reading) return null
      const { job: state } = reading
      if (reading.mode === 'snapshot') return { mode: 'snapshot', state }
      return {
        mode: 'replay',
        state,
        events: reading.events.map(({ seq, type, data }) => liveEvent(seq, type, data)),
      }
    },
    async position(epochs) {
      // Both in the same tick, so that ioredis sends them in one write.
      const [epoch, seq] = await Promise.all([epochs(shard), seqOf(id, store)])
      return seq > 0 ? { epoch, seq } : null
    },
    endsWith: ({ type, data }) =>
      type === 'state' && !isLive(StateEvent.parse(JSON.parse(data)).state),
    isOver: ({ state }) => !isLive(state),
  }
}
