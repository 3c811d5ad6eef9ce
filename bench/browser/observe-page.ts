import type { Page } from 'playwright'

/** Durations are in ms. */
export interface Observations {
  longestTask: number
  tasksOver50: number
  tasksOver100: number
  /** The longest run of one of our scripts within a task. */
  longestScript: number
  scriptsOver50: number
  scriptsOver100: number
  framesDropped: number
  /** The total run time of our scripts in long frames. */
  scriptMs: number
  /** When the table first showed every row, in ms since 1970. */
  shownAt: number
}

/** Starts performance observers within the page. */
export async function startObserving(page: Page, rows: number): Promise<void> {
  // tsx wraps functions in this helper, which the page lacks.
  await page.evaluate('globalThis.__name = (named) => named')
  await page.evaluate((rows) => {
    const observed = {
      tasks: [] as number[],
      scripts: [] as number[],
      scriptMs: 0,
      frames: [] as number[],
      shownAt: 0,
    }
    Object.assign(window, { observed })
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) observed.tasks.push(duration)
    }).observe({ type: 'longtask' })
    new PerformanceObserver((list) => {
      for (const frame of list.getEntries() as unknown as {
        scripts: { duration: number; sourceURL: string; startTime: number }[]
      }[]) {
        const ours = frame.scripts.filter(({ sourceURL }) => sourceURL.includes('/_next/'))
        for (const { duration } of ours) observed.scripts.push(duration)
        observed.scriptMs += ours.reduce((sum, { duration }) => sum + duration, 0)
      }
    }).observe({ type: 'long-animation-frame' })
    let before = performance.now()
    const frame = (now: number) => {
      observed.frames.push(now - before)
      before = now
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
    new MutationObserver(() => {
      if (observed.shownAt === 0 && document.querySelector(`table[aria-rowcount="${rows + 1}"]`))
        observed.shownAt = Date.now()
    }).observe(document.body, {
      subtree: true,
      attributes: true,
      attributeFilter: ['aria-rowcount'],
    })
  }, rows)
}

/** Summarizes what the observers have recorded so far. */
export async function readObservations(page: Page): Promise<Observations> {
  const observed = await page.evaluate(async () => {
    // Observers are notified of a task only after its end.
    await new Promise((resolve) => setTimeout(resolve, 200))
    return (
      window as unknown as {
        observed: {
          tasks: number[]
          scripts: number[]
          scriptMs: number
          frames: number[]
          shownAt: number
        }
      }
    ).observed
  })
  const over = (values: number[], ms: number) => values.filter((value) => value > ms).length
  const frameMs = 1000 / 60
  return {
    longestTask: Math.max(0, ...observed.tasks),
    tasksOver50: over(observed.tasks, 50),
    tasksOver100: over(observed.tasks, 100),
    longestScript: Math.max(0, ...observed.scripts),
    scriptsOver50: over(observed.scripts, 50),
    scriptsOver100: over(observed.scripts, 100),
    framesDropped: observed.frames.reduce(
      (sum, ms) => sum + Math.max(0, Math.round(ms / frameMs) - 1),
      0,
    ),
    scriptMs: observed.scriptMs,
    shownAt: observed.shownAt,
  }
}
