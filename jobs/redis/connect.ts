import { Redis } from 'ioredis'

import type { Log } from '../log.ts'

export interface RedisOptions {
  /** Shown by CLIENT LIST. */
  name: string
  log: Log
  /**
   * How often a command is sent again when the connection drops: null (for ever) for workers, a few
   * for requests that people wait for.
   */
  retries: number | null
  /**
   * Subscribers resubscribe by themselves, in the order that delivery needs (see
   * server/live/subscriber.ts).
   */
  subscriber?: boolean
}

/** Opens a connection that reconnects for ever, at most a second apart. */
export function connectRedis(
  url: string,
  { name, log, retries, subscriber = false }: RedisOptions,
): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    maxRetriesPerRequest: retries,
    retryStrategy: (times) => Math.min(50 * times, 1000),
    autoResubscribe: !subscriber,
    enableReadyCheck: true,
  })
  let down = false
  redis.on('error', (error) => {
    if (!down)
      log.warn(
        { redis: name, error: error.message },
        'Redis is out of reach; trying again until it is back.',
      )
    down = true
  })
  redis.on('ready', () => {
    if (down) log.info({ redis: name }, 'Redis is back.')
    down = false
  })
  return redis
}
