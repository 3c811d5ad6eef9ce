/**
 * A deed that is done one at a time. Asked for while it is under way, it is done once more: whoever asks can rely on one that begins after.
 */
export class OneAtATime {
  readonly #deed: () => Promise<void>
  readonly #failed: (error: unknown) => void
  #underWay = false
  #again = false

  /** @param failed is told why it failed; what was asked for meanwhile is done with it, so it sees to trying again */
  constructor(deed: () => Promise<void>, failed: (error: unknown) => void) {
    this.#deed = deed
    this.#failed = failed
  }

  get underWay(): boolean {
    return this.#underWay
  }

  ask(): void {
    this.#again = true
    if (!this.#underWay) this.#doAsLongAsAsked().catch(this.#failed)
  }

  async #doAsLongAsAsked(): Promise<void> {
    this.#underWay = true
    try {
      while (this.#again) {
        this.#again = false
        await this.#deed()
      }
    } finally {
      this.#underWay = false
    }
  }
}
