import type { Position } from '#jobs/position.ts'
import { type ListChange, parseListChange } from '#jobs/redis/announcements.ts'
import { epochOf } from '#jobs/redis/epoch.ts'
import { versionOfAllJobs, versionOfOwnJobs } from '#jobs/redis/job-lists.ts'
import { keys, type Shard } from '#jobs/redis/keys.ts'
import { type JobStore, shardForUser } from '#jobs/redis/store.ts'
import type { Ledger, Numbered } from './ledger.ts'

/** One change of a list. Its `seq` is the list's version after the change. */
export interface ListEvent extends Numbered, Pick<ListChange, 'id' | 'job'> {}

/**
 * A list has no log, because only the latest state of each job matters. Its ledger knows only the
 * list's version, the number of changes so far; a reader that missed one reads the list again.
 */
export type ListLedger = Ledger<Position, ListEvent>

/** The changes of a user's own jobs. */
export function ownJobsLedger(userId: string, store: JobStore): ListLedger {
  const shard = shardForUser(userId, store)
  return listLedger(
    keys.ownJobs(shard, userId),
    shard,
    () => versionOfOwnJobs(shard, userId, store),
    store,
  )
}

/** The changes of all users' jobs in a shard. */
export function feedLedger(shard: Shard, store: JobStore): ListLedger {
  return listLedger(keys.feed(shard), shard, () => versionOfAllJobs(shard, store), store)
}

function listLedger(
  channel: string,
  shard: Shard,
  version: () => Promise<number>,
  store: JobStore,
): ListLedger {
  return {
    name: channel,
    channel,
    parse(message) {
      const { version: seq, epoch, id, job } = parseListChange(message)
      return { epoch, event: { seq, id, job } }
    },
    async read(since) {
      const [epoch, seq] = await Promise.all([epochOf(shard, store), version()])
      const state = { epoch, seq }
      return since?.epoch === epoch && since.seq === seq
        ? { mode: 'replay', state, events: [] }
        : { mode: 'snapshot', state }
    },
    async position(epochs) {
      const [epoch, seq] = await Promise.all([epochs(shard), version()])
      return { epoch, seq }
    },
    endsWith: () => false,
    isOver: () => false,
  }
}
