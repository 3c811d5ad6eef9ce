/** A value that can be read and listened to: what `useSyncExternalStore` wants. */
export interface Signal<Value> {
  read(): Value
  set(value: Value): void
  subscribe(listener: () => void): () => void
}

export function signal<Value>(initial: Value): Signal<Value> {
  let value = initial
  const listeners = new Set<() => void>()
  return {
    read: () => value,
    set(next) {
      if (Object.is(next, value)) return
      value = next
      for (const listener of [...listeners]) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
