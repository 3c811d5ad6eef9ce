import type { Redis } from 'ioredis'
import type { Log } from '#jobs/log.ts'

export interface ChannelListener {
  message(text: string): void
  /** Subscribed again after the connection broke. Messages published meanwhile were lost. */
  recovered(): void
}

const channelsPerCommand = 500
/** A healthy Redis acknowledges a subscription at once; a half-open connection never does. */
const acknowledgeWithinMs = 2_000

/**
 * The Redis subscriptions of this process: one connection for any number of channels, one listener
 * per channel. A message may be lost without notice (Redis keeps none for a dropped subscriber), so
 * listeners treat it as a hint and rely on the ledger. After every reconnect, all channels are
 * subscribed again, and each listener is notified and can catch up.
 */
export class Subscriber {
  readonly #redis: Redis
  readonly #log: Log
  readonly #listeners = new Map<string, ChannelListener>()
  #wasReady = false
  #reconnecting = false

  /** @param redis a connection for this subscriber alone, opened with `subscriber: true` */
  constructor(redis: Redis, log: Log) {
    this.#redis = redis
    this.#log = log
    this.#wasReady = redis.status === 'ready'
    redis.on('message', (channel: string, text: string) =>
      this.#listeners.get(channel)?.message(text),
    )
    redis.on('ready', () => {
      if (this.#wasReady)
        this.#resubscribe().catch((error) =>
          log.warn({ err: error }, 'Could not subscribe again; will try on the next reconnect'),
        )
      this.#wasReady = true
    })
    redis.on('close', () => {
      this.#reconnecting = false
    })
  }

  /** Resolves once Redis has acknowledged: every later message reaches the listener. */
  async subscribe(channel: string, listener: ChannelListener): Promise<void> {
    this.#listeners.set(channel, listener)
    await this.#subscribeAll([channel])
  }

  unsubscribe(channel: string): void {
    this.#listeners.delete(channel)
    this.#redis
      .unsubscribe(channel)
      .catch((error) => this.#log.warn({ err: error, channel }, 'Could not unsubscribe'))
  }

  /** Replaces a connection that looks healthy but delivers no messages. */
  reconnect(): void {
    // Many topics may request it at once, and a half-open connection takes a while to close.
    if (this.#reconnecting || this.#redis.status !== 'ready') return
    this.#reconnecting = true
    this.#log.warn(
      { channels: this.#listeners.size },
      'The subscriber connection delivers no messages; reconnecting',
    )
    this.#redis.disconnect(true)
  }

  close(): void {
    this.#redis.disconnect()
  }

  /** In batches; the listeners of a batch catch up once it is acknowledged. */
  async #resubscribe(): Promise<void> {
    const channels = [...this.#listeners.keys()]
    for (let i = 0; i < channels.length; i += channelsPerCommand) {
      const batch = channels.slice(i, i + channelsPerCommand)
      await this.#subscribeAll(batch)
      for (const channel of batch) this.#listeners.get(channel)?.recovered()
    }
  }

  /** Subscribes. ioredis sends an unacknowledged command again over the next connection. */
  async #subscribeAll(channels: string[]): Promise<void> {
    const overdue = setInterval(() => this.reconnect(), acknowledgeWithinMs)
    try {
      await this.#redis.subscribe(...channels)
    } finally {
      clearInterval(overdue)
    }
  }
}
