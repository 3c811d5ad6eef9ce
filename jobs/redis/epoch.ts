import { keys } from './keys.ts'
import { plainScript, runScript } from './scripts.ts'
import { allShards, type JobStore } from './store.ts'

const renewScript = plainScript('renew-epoch')

/**
 * Ties every shard's epoch to the life of the Redis behind it. To be called on each new connection, before anything is read:
 * after a failover or a restart acknowledged writes may be gone, and a seq be given out twice.
 */
export async function renewEpochs(makeEpoch: () => string, store: JobStore): Promise<void> {
  const replid = /^master_replid:(\w+)/m.exec(await store.redis.info('replication'))?.[1] ?? 'unknown'
  for (const shard of allShards(store)) {
    await runScript(store.redis, renewScript, [keys.epoch(shard), keys.replid(shard)], [replid, makeEpoch()])
  }
}

/** Users are spread over the shards by their number, so it may not change while jobs are stored. @throws when it differs. */
export async function claimShards(store: JobStore): Promise<void> {
  const key = `{${store.namespace}:0}:shards`
  await store.redis.setnx(key, store.shards)
  const stored = Number(await store.redis.get(key))
  if (stored !== store.shards) {
    throw new Error(
      `SHARDS is ${store.shards}, but this Redis holds jobs in ${stored}. Set SHARDS=${stored}, or use an empty Redis.`,
    )
  }
}
