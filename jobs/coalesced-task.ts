/**
 * Runs an async task, never twice at once. Requests during a run are coalesced into one more run,
 * so every request is followed by a run that began after it, even if the current run fails.
 */
export class CoalescedTask {
  readonly #task: () => Promise<void>
  readonly #onError: (error: unknown) => void
  #requested = false
  #running = false
  #lastRuns: Promise<void> = Promise.resolve()

  /** @param onError is called once for each run that fails; it decides whether to retry. */
  constructor(task: () => Promise<void>, onError: (error: unknown) => void) {
    this.#task = task
    this.#onError = onError
  }

  get running(): boolean {
    return this.#running
  }

  request(): void {
    this.#requested = true
    if (!this.#running) this.#lastRuns = this.#runWhileRequested()
  }

  /** Resolves when no run is under way. */
  async idle(): Promise<void> {
    while (this.#running) await this.#lastRuns
  }

  async #runWhileRequested(): Promise<void> {
    this.#running = true
    try {
      while (this.#requested) {
        this.#requested = false
        await this.#runOnce()
      }
    } finally {
      this.#running = false
    }
  }

  async #runOnce(): Promise<void> {
    try {
      await this.#task()
    } catch (error) {
      this.#onError(error)
    }
  }
}
