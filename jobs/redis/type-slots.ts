/**
 * The slots of one type of search in this process: how many searches of that type it runs at once,
 * whichever shards they are from. A worker that finds no slot free waits its turn, so that a shard
 * with much work does not keep the others from theirs.
 */
export class TypeSlots {
  readonly count: number
  #free: number
  /** Each is given the next slot that is released. */
  readonly #waiting: ((reserved: boolean) => void)[] = []

  constructor(count: number) {
    this.count = count
    this.#free = count
  }

  get anyFree(): boolean {
    return this.#free > 0
  }

  /** Whether another shard's worker waits for a slot. */
  get contended(): boolean {
    return this.#waiting.length > 0
  }

  /** Takes a slot, unless none is free or others wait for one. */
  tryTake(): boolean {
    if (this.#free === 0 || this.contended) return false
    this.#free--
    return true
  }

  /** Takes the next slot that is released. False if that takes too long, or on abort. */
  take(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const stop = () => {
        this.#waiting.splice(this.#waiting.indexOf(grant), 1)
        end(false)
      }
      const timer = setTimeout(stop, timeoutMs)
      const end = (taken: boolean) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        resolve(taken)
      }
      const grant = end
      if (signal.aborted) return resolve(false)
      signal.addEventListener('abort', stop, { once: true })
      this.#waiting.push(grant)
    })
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next) next(true)
    else this.#free++
  }
}
