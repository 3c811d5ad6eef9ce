import type { TypeSlots } from './type-slots.ts'

/** The slots that one worker holds: one for each of its jobs, and perhaps one for its next fetch. */
export class HeldSlots {
  readonly #slots: TypeSlots
  /** Ids of the jobs that hold one. */
  readonly #jobs = new Set<string>()
  #granted = false

  constructor(slots: TypeSlots) {
    this.#slots = slots
  }

  /** Waits until a slot is granted for the next fetch, unless one is free. */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<'free' | 'waited'> {
    if (this.#slots.anyFree) return 'free'
    const granted = await this.#slots.take(timeoutMs, signal)
    if (granted && signal.aborted) this.#slots.release()
    else this.#granted = granted
    return 'waited'
  }

  /** Takes a slot for a fetch, the granted one first. False if there is none. */
  takeForFetch(): boolean {
    const taken = this.#granted || this.#slots.tryTake()
    this.#granted = false
    return taken
  }

  /** Takes the slot of a job that is over. False if it held none. */
  takeFrom(id: string): boolean {
    return this.#jobs.delete(id)
  }

  /** Whether a worker of another shard waits for a slot. */
  get wanted(): boolean {
    return this.#slots.contended
  }

  /** Gives a slot that was taken to the job that was fetched, or releases it. */
  passOn(id: string | null): void {
    if (id !== null) this.#jobs.add(id)
    else this.#slots.release()
  }

  releaseOf(id: string): void {
    if (this.takeFrom(id)) this.#slots.release()
  }
}
