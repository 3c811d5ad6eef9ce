import type { Redis } from 'ioredis'
import type { Log } from '#jobs/log.ts'

export interface ChannelListener {
  message(text: string): void
  /**
   * The connection was gone for a while and is subscribed again: what was published meanwhile is
   * lost to us.
   */
  recovered(): void
}

const channelsPerCommand = 500
/**
 * A healthy Redis acknowledges a subscription at once; a connection that is half-open never does,
 * and says nothing of it.
 */
const acknowledgedWithinMs = 2_000

/**
 * The doorbells of this process: one connection, any number of channels, one listener each. A
 * message may be lost (Redis keeps none for a dropped subscriber and says nothing of it), so
 * listeners treat each as a hint and read the ledger.
 */
export class Subscriber {
  readonly #redis: Redis
  readonly #log: Log
  readonly #listeners = new Map<string, ChannelListener>()
  #wasReady = false
  #recycling = false

  /** @param redis a connection of its own, made with `subscriber: true` */
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
          log.warn({ err: error }, 'Could not subscribe again; the next reconnect will'),
        )
      this.#wasReady = true
    })
    redis.on('close', () => {
      this.#recycling = false
    })
  }

  /** Resolves once Redis has acknowledged: every later message reaches the listener. */
  async subscribe(channel: string, listener: ChannelListener): Promise<void> {
    this.#listeners.set(channel, listener)
    await this.#acknowledged([channel])
  }

  unsubscribe(channel: string): void {
    this.#listeners.delete(channel)
    this.#redis
      .unsubscribe(channel)
      .catch((error) => this.#log.warn({ err: error, channel }, 'Could not unsubscribe'))
  }

  /** For a connection that looks healthy and rings no more. */
  recycle(): void {
    // Half-open, it takes a while to close; and many may find it deaf at once.
    if (this.#recycling || this.#redis.status !== 'ready') return
    this.#recycling = true
    this.#log.warn(
      { channels: this.#listeners.size },
      'The doorbell is silent while things happen; connecting anew',
    )
    this.#redis.disconnect(true)
  }

  close(): void {
    this.#redis.disconnect()
  }

  /** In batches, each acknowledged before its listeners read what they missed. */
  async #resubscribe(): Promise<void> {
    const channels = [...this.#listeners.keys()]
    for (let i = 0; i < channels.length; i += channelsPerCommand) {
      const batch = channels.slice(i, i + channelsPerCommand)
      await this.#acknowledged(batch)
      for (const channel of batch) this.#listeners.get(channel)?.recovered()
    }
  }

  /** What was not acknowledged is sent again over the next connection. */
  async #acknowledged(channels: string[]): Promise<void> {
    const late = setInterval(() => this.recycle(), acknowledgedWithinMs)
    try {
      await this.#redis.subscribe(...channels)
    } finally {
      clearInterval(late)
    }
  }
}
