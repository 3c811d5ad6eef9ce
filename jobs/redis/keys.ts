/**
 * Where a shard's keys live: all of them share one hash tag, so that a script may touch them
 * together on a cluster too.
 */
export interface Shard {
  /** `sl`, or something unique in a test. */
  namespace: string
  number: number
}

const tag = ({ namespace, number }: Shard) => `{${namespace}:${number}}`

/** The keys that are named outside of the scripts; scripts/shared.lua says what each holds. */
export const keys = {
  /** All that a script needs to be handed: the names of a job's other keys are made from it. */
  record: (shard: Shard, id: string) => `${tag(shard)}:job:${id}`,
  /** A job's durable events, and the channel that they are announced on. */
  log: (shard: Shard, id: string) => `${tag(shard)}:log:${id}`,
  rows: (shard: Shard, id: string) => `${tag(shard)}:rows:${id}`,
  lock: (shard: Shard, userId: string, search: string) => `${tag(shard)}:lock:${userId}:${search}`,
  live: (shard: Shard) => `${tag(shard)}:live`,
  ended: (shard: Shard) => `${tag(shard)}:ended`,
  /** A user's jobs, and the channel on which changes of that list are announced. */
  mine: (shard: Shard, userId: string) => `${tag(shard)}:mine:${userId}`,
  /** Channel of the admins' feed. */
  feed: (shard: Shard) => `${tag(shard)}:feed`,
  versions: (shard: Shard) => `${tag(shard)}:versions`,
  tally: (shard: Shard) => `${tag(shard)}:tally`,
  shard: (shard: Shard) => `${tag(shard)}:shard`,
  /** Channel: workers hear here that a job was ended by somebody else. */
  control: (shard: Shard) => `${tag(shard)}:control`,
  /** BullMQ's own prefix. */
  queue: (shard: Shard) => `${tag(shard)}:bull`,
}
