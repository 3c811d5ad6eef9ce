import { Redis } from 'ioredis'
import type { Log } from '../log.ts'

export interface RedisOptions {
  /** Shown by CLIENT LIST. */
  name: string
  log: Log
  /**
   * How often a command is resent after the connection drops: null (no limit) for workers, a few
   * times for requests that a user waits for.
   */
  retries: number | null
  /**
   * A command that is not answered within this time fails, for requests that a user waits for. It may
   * still be carried out later. By default, commands wait without limit.
   */
  commandMs?: number
  /** A subscriber resubscribes itself, in the order it needs (see server/live/subscriber.ts). */
  subscriber?: boolean
}

/** Opens a connection that always reconnects, with at most a second between two tries. */
export function connectRedis(
  url: string,
  { name, log, retries, commandMs, subscriber = false }: RedisOptions,
): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    maxRetriesPerRequest: retries,
    retryStrategy: (times) => Math.min(50 * times, 1000),
    autoResubscribe: !subscriber,
    enableReadyCheck: true,
    ...(commandMs === undefined ? {} : { commandTimeout: commandMs }),
  })
  let down = false
  redis.on('error', (error) => {
    if (!down) log.warn({ redis: name, error: error.message }, 'Redis is unreachable; reconnecting')
    down = true
  })
  redis.on('ready', () => {
    if (down) log.info({ redis: name }, 'Reconnected to Redis')
    down = false
  })
  return redis
}
