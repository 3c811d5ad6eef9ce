import { keys, type Shard } from './keys.ts'
import { plainScript, runScript } from './scripts.ts'
import { allShards, type JobStore } from './store.ts'

const renewScript = plainScript('renew-epoch')

/**
 * Renews every shard's epoch if the Redis behind it has changed. Call it on each new connection,
 * before reading anything: after a failover or restart, acknowledged writes may be lost and a seq
 * may be used twice.
 */
export async function renewEpochs(makeEpoch: () => string, store: JobStore): Promise<void> {
  const replid =
    /^master_replid:(\w+)/m.exec(await store.redis.info('replication'))?.[1] ?? 'unknown'
  for (const shard of allShards(store)) {
    await runScript(store.redis, renewScript, [keys.shard(shard)], [replid, makeEpoch()])
  }
}

/** The epoch under which this shard's seqs count. */
export async function epochOf(shard: Shard, store: JobStore): Promise<string> {
  return (await store.redis.hget(keys.shard(shard), 'epoch')) ?? ''
}

/** Version of the layout in Redis. Raise it with a change that an older process would misread. */
const layout = '3'

/**
 * Records the number of shards and the layout in an empty Redis, or checks them. Neither may change
 * while jobs are stored: users are spread over the shards by their number.
 * @throws if this Redis holds jobs in another number of shards or another layout
 */
export async function claimStore(store: JobStore): Promise<void> {
  const key = `{${store.namespace}:0}:store`
  if (await store.redis.exists(`{${store.namespace}:0}:shards`)) throw new Error(otherLayout)
  await store.redis.hsetnx(key, 'shards', store.shards)
  await store.redis.hsetnx(key, 'layout', layout)
  const claimed = await store.redis.hgetall(key)
  if (claimed.layout !== layout) throw new Error(otherLayout)
  if (Number(claimed.shards) !== store.shards) {
    throw new Error(
      `SHARDS is ${store.shards}, but this Redis holds jobs in ${claimed.shards}. Set SHARDS=${claimed.shards}, or use an empty Redis.`,
    )
  }
}

const otherLayout =
  'This Redis holds jobs of another version of Searchlight, which this version would misread. ' +
  'Choose another REDIS_PREFIX; or run that version until all its jobs are archived, then empty ' +
  'this Redis (for `npm start`: delete .data/redis).'
