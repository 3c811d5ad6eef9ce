/**
 * Processor time of this process, in milliseconds: unlike time on the wall it is the same on a busy
 * machine.
 */
export function processorTime(): () => number {
  const start = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000
  }
}

/**
 * Runs work and aborts it in its midst, from a turn of the event loop: work that never yields is
 * only aborted after its end.
 * @param afterMs of processor time.
 * @returns what it rejected with, and the processor time that it took after the abort; null when it
 * ended first.
 */
export async function abortAmid(
  work: (signal: AbortSignal) => Promise<unknown>,
  afterMs: number,
): Promise<{ error: unknown; spentMs: number } | null> {
  const stop = new AbortController()
  const spent = processorTime()
  let sinceAbort: (() => number) | null = null
  let ended = false
  const look = () => {
    if (ended) return
    if (spent() < afterMs) return void setImmediate(look)
    sinceAbort = processorTime()
    stop.abort(new Error('aborted by the test'))
  }
  setImmediate(look)
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
