import { setTimeout as delay } from 'node:timers/promises'

export type Question = 'cpu' | 'memory'
export interface Answers {
  /** µs of processor time, user and system. */
  cpu: number
  /** In bytes, once everything is collected that can be. */
  memory: { rss: number; heapUsed: number }
}

/** Answers what the benchmark asks of this process, and ends with it. */
export function answerQuestions(url: string): void {
  process.on('message', async (question: Question) => {
    process.send?.({ [question]: question === 'cpu' ? cpuUsed() : await settledMemory() })
  })
  process.on('disconnect', () => process.exit(0))
  // A clean exit, so that a CPU profile is written.
  process.on('SIGTERM', () => process.exit(0))
  process.send?.({ url })
}

function cpuUsed(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Collects until it makes no difference any more. */
async function settledMemory(): Promise<Answers['memory']> {
  let before = Number.POSITIVE_INFINITY
  for (let i = 0; i < 10; i++) {
    globalThis.gc?.()
    await delay(300)
    globalThis.gc?.()
    const { rss, heapUsed } = process.memoryUsage()
    if (Math.abs(before - rss) < rss / 1000) return { rss, heapUsed }
    before = rss
  }
  const { rss, heapUsed } = process.memoryUsage()
  return { rss, heapUsed }
}
