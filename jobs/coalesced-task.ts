/**
 * Runs an async task, never twice at once. Requests during a run are coalesced into one more run,
 * so each request is followed by a run that began after it.
 */
export class CoalescedTask {
  readonly #task: () => Promise<void>
  readonly #onError: (error: unknown) => void
  #requested = false
  #running = false
  #lastRun: Promise<void> = Promise.resolve()

  /**
   * @param onError takes the error of a failed run. Requests made during that run fail with it: the
   * handler decides whether to request again.
   */
  constructor(task: () => Promise<void>, onError: (error: unknown) => void) {
    this.#task = task
    this.#onError = onError
  }

  get running(): boolean {
    return this.#running
  }

  request(): void {
    this.#requested = true
    if (!this.#running) this.#lastRun = this.#runWhileRequested().catch(this.#onError)
  }

  /** Resolves when no run is under way. */
  async idle(): Promise<void> {
    while (this.#running) await this.#lastRun
  }

  async #runWhileRequested(): Promise<void> {
    this.#running = true
    try {
      while (this.#requested) {
        this.#requested = false
        await this.#task()
      }
    } finally {
      this.#running = false
    }
  }
}
