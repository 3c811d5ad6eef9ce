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
 * Connects to the Redis that holds the live jobs, and checks their epochs on every reconnect.
 * @throws if it holds jobs in another number of shards or another layout
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
