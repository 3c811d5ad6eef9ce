interface Waiter<Slot> {
  count: number
  grant(slots: Slot[]): void
}

/**
 * FIFO semaphore over a few resources. A caller may take all slots at once; later callers don't
 * overtake it while it waits.
 */
export function createSlots<Slot>(slots: readonly Slot[]) {
  const free = [...slots]
  const queue: Waiter<Slot>[] = []

  function grantNext(): void {
    for (let first = queue[0]; first && first.count <= free.length; first = queue[0]) {
      queue.shift()
      first.grant(free.splice(0, first.count))
    }
  }

  function acquire(count: number, signal: AbortSignal): Promise<Slot[]> {
    return new Promise((resolve, reject) => {
      const abandon = () => {
        queue.splice(queue.indexOf(waiter), 1)
        grantNext() // It may have blocked smaller requests behind it.
        reject(signal.reason)
      }
      const waiter: Waiter<Slot> = {
        count,
        grant(granted) {
          signal.removeEventListener('abort', abandon)
          resolve(granted)
        },
      }
      signal.addEventListener('abort', abandon, { once: true })
      queue.push(waiter)
      grantNext()
    })
  }

  return {
    /**
     * Runs the task with `count` slots and releases them when it settles. The signal ends only the
     * wait for the slots.
     * @throws the signal's reason when it is aborted before the task starts
     */
    async use<Result>(
      count: number,
      task: (slots: Slot[]) => Promise<Result>,
      signal: AbortSignal,
    ): Promise<Result> {
      signal.throwIfAborted()
      const acquired = await acquire(count, signal)
      try {
        return await task(acquired)
      } finally {
        free.push(...acquired)
        grantNext()
      }
    },
  }
}
