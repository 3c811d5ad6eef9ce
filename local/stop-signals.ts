/**
 * Aborts `stop` at the first Ctrl-C (or SIGTERM, or a closed terminal) and `forceStop` at the next.
 * The terminal sends Ctrl-C to us and npm forwards it as well, so any signal within a second of the
 * first is a duplicate.
 */
export function stopSignals(): { stop: AbortSignal; forceStop: AbortSignal } {
  const stop = new AbortController()
  const forceStop = new AbortController()
  let stoppedAt = 0
  const onSignal = () => {
    if (!stop.signal.aborted) {
      stoppedAt = performance.now()
      stop.abort()
    } else if (performance.now() - stoppedAt > 1_000) forceStop.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  // The reader of our log has exited, as in `npm start | head`.
  process.stdout.on('error', onSignal)
  return { stop: stop.signal, forceStop: forceStop.signal }
}
