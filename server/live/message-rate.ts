/** How many messages a socket may send: so many at once, and so many per second over time. */
const burst = 200
const perSecond = 50

/** A bucket of tokens that fills by itself; each message takes one. */
export class MessageRate {
  #tokens = burst
  #filledAt: number

  /** @param now in ms, of a clock that never goes back */
  constructor(now: number) {
    this.#filledAt = now
  }

  /** Whether a message may be taken now. */
  take(now: number): boolean {
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * perSecond)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
