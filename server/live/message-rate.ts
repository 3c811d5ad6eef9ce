/** Messages that a socket may send at once. */
const burst = 200
/** Messages per second that it may send in the long run. */
const perSecond = 50

/** Limits the messages of one socket: a token bucket. */
export class MessageRate {
  #tokens = burst
  #filledAt: number

  /** @param now in ms, by a monotonic clock */
  constructor(now: number) {
    this.#filledAt = now
  }

  /** Takes a token. @returns false if there is none: refuse the message. */
  take(now: number): boolean {
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * perSecond)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
