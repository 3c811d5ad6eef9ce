/** Where a shard's keys live: all of them share one hash tag, so that a script may touch them together on a cluster too. */
export interface Shard {
  /** `sl`, or something unique in a test. */
  namespace: string
  number: number
}

const tag = ({ namespace, number }: Shard) => `{${namespace}:${number}}`

export const keys = {
  record: (shard: Shard, id: string) => `${tag(shard)}:job:${id}`,
  /** The stream of a job's events, and the channel that they are announced on. */
  log: (shard: Shard, id: string) => `${tag(shard)}:log:${id}`,
  rows: (shard: Shard, id: string) => `${tag(shard)}:rows:${id}`,
  lock: (shard: Shard, userId: string, search: string) => `${tag(shard)}:lock:${userId}:${search}`,
  live: (shard: Shard) => `${tag(shard)}:live`,
  ended: (shard: Shard) => `${tag(shard)}:ended`,
  /** A user's jobs, and the channel on which changes of that list are announced. */
  mine: (shard: Shard, userId: string) => `${tag(shard)}:mine:${userId}`,
  /** Everybody's jobs, and the channel of the admins' feed. */
  all: (shard: Shard) => `${tag(shard)}:all`,
  versions: (shard: Shard) => `${tag(shard)}:versions`,
  counts: (shard: Shard) => `${tag(shard)}:counts`,
  epoch: (shard: Shard) => `${tag(shard)}:epoch`,
  replid: (shard: Shard) => `${tag(shard)}:replid`,
  /** Channel: workers hear here that a job was ended by somebody else. */
  control: (shard: Shard) => `${tag(shard)}:control`,
  idempotency: (shard: Shard, userId: string, key: string) => `${tag(shard)}:idempotency:${userId}:${key}`,
  /** BullMQ's own prefix. */
  queue: (shard: Shard) => `${tag(shard)}:bull`,
}

/** KEYS 1…12 of every script that changes a job; scripts/shared.lua says what each is. */
export function jobKeys(shard: Shard, { id, userId, search }: { id: string; userId: string; search: string }): string[] {
  return [
    keys.record(shard, id),
    keys.log(shard, id),
    keys.rows(shard, id),
    keys.lock(shard, userId, search),
    keys.live(shard),
    keys.ended(shard),
    keys.mine(shard, userId),
    keys.all(shard),
    keys.versions(shard),
    keys.counts(shard),
    keys.epoch(shard),
    keys.control(shard),
  ]
}
