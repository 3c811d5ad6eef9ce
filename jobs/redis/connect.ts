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
   * How long a command may take before it fails, for requests that a user waits for; undefined
   * waits without limit. Redis may still execute the command later. A connection that delivers
   * nothing for twice as long is replaced, because it may be half-open.
   */
  commandTimeoutMs?: number
  /** A subscriber resubscribes itself, in the order it needs (see server/live/subscriber.ts). */
  subscriber?: boolean
}

/**
 * Opens a connection that always reconnects, with at most a second between two tries. Where a user
 * waits, tries are closer, so that commands use up their retries before their time.
 */
export function connectRedis(
  url: string,
  { name, log, retries, commandTimeoutMs, subscriber = false }: RedisOptions,
): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    maxRetriesPerRequest: retries,
    retryStrategy: (times) => Math.min(50 * times, commandTimeoutMs === undefined ? 1000 : 250),
    autoResubscribe: !subscriber,
    enableReadyCheck: true,
    ...(commandTimeoutMs === undefined
      ? {}
      : { commandTimeout: commandTimeoutMs, socketTimeout: 2 * commandTimeoutMs }),
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
