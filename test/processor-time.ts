/**
 * Starts a stopwatch for this process's processor time, which unlike wall-clock time does not
 * depend on the load of the machine.
 * @returns reads the stopwatch, in ms
 */
export function processorTime(): () => number {
  const start = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000
  }
}

/**
 * Runs work and aborts it from the event loop. Work that never yields ends before it can be
 * aborted.
 * @param afterMs processor time until the abort
 * @returns the error that the work rejected with, and its processor time after the abort; null if
 * it ended first
 */
export async function abortDuring(
  work: (signal: AbortSignal) => Promise<unknown>,
  afterMs: number,
): Promise<{ error: unknown; spentMs: number } | null> {
  const stop = new AbortController()
  const spent = processorTime()
  let sinceAbort: (() => number) | null = null
  let ended = false
  const check = () => {
    if (ended) return
    if (spent() < afterMs) return void setImmediate(check)
    sinceAbort = processorTime()
    stop.abort(new Error('aborted by the test'))
  }
  setImmediate(check)
  try {
    await work(stop.signal)
    return null
  } catch (error) {
    const spentMs = (sinceAbort as (() => number) | null)?.() ?? 0
    return { error, spentMs }
  } finally {
    ended = true
  }
}
