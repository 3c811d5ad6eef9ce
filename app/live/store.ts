/** A value that can be read and listened to: what `useSyncExternalStore` wants. */
export interface Signal<Value> {
  read(): Value
  /** Listeners are told at once. */
  set(value: Value): void
  /**
   * Listeners are told at once if they were left alone for a while, else when that is over: at most
   * ten times a second.
   */
  setSoon(value: Value): void
  subscribe(listener: () => void): () => void
}

const tellEveryMs = 100

export function signal<Value>(initial: Value): Signal<Value> {
  let value = initial
  let toldAt = Number.NEGATIVE_INFINITY
  let telling: ReturnType<typeof setTimeout> | null = null
  const listeners = new Set<() => void>()

  function tell(): void {
    if (telling) clearTimeout(telling)
    telling = null
    toldAt = performance.now()
    for (const listener of [...listeners]) listener()
  }

  return {
    read: () => value,
    set(next) {
      if (Object.is(next, value) && !telling) return
      value = next
      tell()
    },
    setSoon(next) {
      value = next
      const waitMs = toldAt + tellEveryMs - performance.now()
      if (waitMs <= 0) tell()
      else telling ??= setTimeout(tell, waitMs)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
