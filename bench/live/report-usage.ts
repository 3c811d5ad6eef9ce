import { setTimeout as delay } from 'node:timers/promises'

export type Metric = 'cpu' | 'memory'
export interface Usage {
  /** µs of processor time, user and system. */
  cpu: number
  /** In bytes, after garbage collection. */
  memory: { rss: number; heapUsed: number }
}

/** Reports this process' address and usage to the benchmark over IPC, and exits with it. */
export function reportUsage(url: string): void {
  process.on('message', async (metric: Metric) => {
    process.send?.({ [metric]: metric === 'cpu' ? cpuUsed() : await settledMemory() })
  })
  process.on('disconnect', () => process.exit(0))
  // Exits cleanly, so that a CPU profile is written.
  process.on('SIGTERM', () => process.exit(0))
  process.send?.({ url })
}

function cpuUsed(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Collects garbage until memory no longer shrinks. */
async function settledMemory(): Promise<Usage['memory']> {
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
