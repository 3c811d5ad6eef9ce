/** A value with listeners: the external store that `useSyncExternalStore` subscribes to. */
export interface Store<Value> {
  read(): Value
  /** Calls the listeners at once. */
  set(value: Value): void
  /** Calls the listeners at once or a little later: at most ten times a second. */
  setSoon(value: Value): void
  subscribe(listener: () => void): () => void
}

const notifyEveryMs = 100

export function createStore<Value>(initial: Value): Store<Value> {
  let value = initial
  let notifiedAt = Number.NEGATIVE_INFINITY
  let scheduled: ReturnType<typeof setTimeout> | null = null
  const listeners = new Set<() => void>()

  function notify(): void {
    if (scheduled) clearTimeout(scheduled)
    scheduled = null
    notifiedAt = performance.now()
    for (const listener of [...listeners]) listener()
  }

  return {
    read: () => value,
    set(next) {
      if (Object.is(next, value) && !scheduled) return
      value = next
      notify()
    },
    setSoon(next) {
      value = next
      const waitMs = notifiedAt + notifyEveryMs - performance.now()
      if (waitMs <= 0) notify()
      else scheduled ??= setTimeout(notify, waitMs)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
