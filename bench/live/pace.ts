import { setTimeout as delay } from 'node:timers/promises'

/** Runs the task `count` times at an even rate; after a delay it catches up. */
export async function pace(
  count: number,
  perSecond: number,
  task: (i: number) => void,
): Promise<void> {
  const startedAt = performance.now()
  for (let i = 0; i < count; i++) {
    const waitMs = startedAt + (i * 1000) / perSecond - performance.now()
    if (waitMs > 0) await delay(waitMs)
    task(i)
  }
}

/** Polls a condition. @returns whether it became true in time */
export async function within(ms: number, condition: () => boolean): Promise<boolean> {
  const until = performance.now() + ms
  while (!condition()) {
    if (performance.now() > until) return false
    await delay(5)
  }
  return true
}
