import { connectRedis, type RedisOptions } from './connect.ts'
import { claimStore, renewEpochs } from './epoch.ts'
import type { JobStore } from './store.ts'

export interface StoreOptions extends Omit<RedisOptions, 'subscriber'> {
  url: string
  namespace: string
  shards: number
  makeEpoch(): string
}

/**
 * Connects to where the live jobs are, and keeps their epochs tied to the life of that Redis.
 * @throws when `shards` is not what it holds.
 */
export async function openStore({
  url,
  namespace,
  shards,
  makeEpoch,
  ...options
}: StoreOptions): Promise<JobStore> {
  const redis = connectRedis(url, options)
  const store: JobStore = { redis, namespace, shards }
  redis.on('ready', () => {
    renewEpochs(makeEpoch, store).catch((error) =>
      options.log.error({ err: error }, 'Could not renew the epoch'),
    )
  })
  await renewEpochs(makeEpoch, store)
  await claimStore(store)
  return store
}
