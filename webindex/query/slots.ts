interface Waiting<Place> {
  wanted: number
  go(places: Place[]): void
}

/**
 * Hands out a few places, first come, first served; who wants all of them waits until nobody has
 * one, and nobody overtakes.
 */
export function createTurns<Place>(places: readonly Place[]) {
  const free = [...places]
  const queue: Waiting<Place>[] = []

  function serve(): void {
    for (let first = queue[0]; first && first.wanted <= free.length; first = queue[0]) {
      queue.shift()
      first.go(free.splice(0, first.wanted))
    }
  }

  function wait(wanted: number, signal: AbortSignal): Promise<Place[]> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        queue.splice(queue.indexOf(waiting), 1)
        serve() // It may have held back others.
        reject(signal.reason)
      }
      const waiting: Waiting<Place> = {
        wanted,
        go(given) {
          signal.removeEventListener('abort', leave)
          resolve(given)
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      queue.push(waiting)
      serve()
    })
  }

  return {
    /**
     * @throws the signal's reason when it is aborted while waiting; what `deed` does about it later
     * is its own affair.
     */
    async take<Result>(
      wanted: number,
      deed: (places: Place[]) => Promise<Result>,
      signal: AbortSignal,
    ): Promise<Result> {
      signal.throwIfAborted()
      const given = await wait(wanted, signal)
      try {
        return await deed(given)
      } finally {
        free.push(...given)
        serve()
      }
    },
  }
}
