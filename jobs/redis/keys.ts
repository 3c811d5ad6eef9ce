/** All keys of a shard share one hash tag, so a script may use them together, even on a cluster. */
export interface Shard {
  /** REDIS_PREFIX, `sl` by default; unique in each test. */
  namespace: string
  number: number
}

const tag = ({ namespace, number }: Shard) => `{${namespace}:${number}}`

/** The keys that TypeScript code names; scripts/shared.lua says what each one holds. */
export const keys = {
  /** A job's hash. Scripts take only this key and derive the job's other keys from its name. */
  record: (shard: Shard, id: string) => `${tag(shard)}:job:${id}`,
  /** A job's durable events; also the channel that announces them. */
  log: (shard: Shard, id: string) => `${tag(shard)}:log:${id}`,
  rows: (shard: Shard, id: string) => `${tag(shard)}:rows:${id}`,
  /** The changed cells of rows, by the index of the row. */
  patches: (shard: Shard, id: string) => `${tag(shard)}:patches:${id}`,
  lock: (shard: Shard, userId: string, search: string) => `${tag(shard)}:lock:${userId}:${search}`,
  live: (shard: Shard) => `${tag(shard)}:live`,
  ended: (shard: Shard) => `${tag(shard)}:ended`,
  /** A user's own jobs; also the channel that announces changes of that list. */
  ownJobs: (shard: Shard, userId: string) => `${tag(shard)}:mine:${userId}`,
  /** Channel of the admins' feed. */
  feed: (shard: Shard) => `${tag(shard)}:feed`,
  versions: (shard: Shard) => `${tag(shard)}:versions`,
  tally: (shard: Shard) => `${tag(shard)}:tally`,
  shard: (shard: Shard) => `${tag(shard)}:shard`,
  /** Channel that announces the deletion of a job. */
  deleted: (shard: Shard, id: string) => `${tag(shard)}:deleted:${id}`,
  /** Channel that announces that a queue has moved: jobs started or left it, or it was paused. */
  moved: (shard: Shard, search: string) => `${tag(shard)}:moved:${search}`,
  /** Channel that tells workers when a job was ended from outside its run. */
  control: (shard: Shard) => `${tag(shard)}:control`,
  /**
   * The worker processes of all shards, in a hash by name. Also the channel that announces when they
   * come or go.
   */
  workers: ({ namespace }: { namespace: string }) => `${tag({ namespace, number: 0 })}:workers`,
  /** Prefix of BullMQ's own keys. Its queues are named like the types of searches. */
  queues: (shard: Shard) => `${tag(shard)}:bull`,
}
