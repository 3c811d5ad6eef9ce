import { setTimeout as delay } from 'node:timers/promises'

/** Does it `count` times at an even rate; what is late is caught up with. */
export async function pace(
  count: number,
  perSecond: number,
  deed: (i: number) => void,
): Promise<void> {
  const began = performance.now()
  for (let i = 0; i < count; i++) {
    const waitMs = began + (i * 1000) / perSecond - performance.now()
    if (waitMs > 0) await delay(waitMs)
    deed(i)
  }
}

/** Whether it came true within the time. */
export async function within(ms: number, comeTrue: () => boolean): Promise<boolean> {
  const until = performance.now() + ms
  while (!comeTrue()) {
    if (performance.now() > until) return false
    await delay(5)
  }
  return true
}
