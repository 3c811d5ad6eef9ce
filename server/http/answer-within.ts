import type { HttpBindings } from '@hono/node-server'
import type { MiddlewareHandler } from 'hono'

/** A request was not answered in time. */
export class Overdue extends Error {
  constructor() {
    super('The request took too long')
    this.name = 'Overdue'
  }
}

/**
 * Ends a request that takes longer than `ms` with {@link Overdue}; what it has begun goes on. The
 * time that a slow client takes to send its body does not count. Hono's own `timeout` counts it.
 */
export function answerWithin(ms: number): MiddlewareHandler {
  return async (c, next) => {
    const { incoming }: Partial<HttpBindings> = c.env ?? {}
    let timer: NodeJS.Timeout | undefined
    const overdue = new Promise<never>((_, reject) => {
      const start = () => {
        timer = setTimeout(() => {
          if (incoming?.complete === false) return start()
          // If this process was too busy, answers have arrived in the meantime: handle them first.
          setImmediate(() => setImmediate(() => reject(new Overdue())))
        }, ms)
      }
      start()
    })
    try {
      await Promise.race([next(), overdue])
    } finally {
      clearTimeout(timer)
    }
  }
}
