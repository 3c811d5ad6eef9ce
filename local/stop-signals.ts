/**
 * Two signals for everything that is to stop with us: `stop` at the first Ctrl-C (or SIGTERM, or a
 * closed terminal), `hurry` at the next. npm passes on the Ctrl-C that the terminal has already
 * sent us, so what comes within a second is the same one.
 */
export function stopSignals(): { stop: AbortSignal; hurry: AbortSignal } {
  const stop = new AbortController()
  const hurry = new AbortController()
  let first = 0
  const heard = () => {
    if (!stop.signal.aborted) {
      first = performance.now()
      stop.abort()
    } else if (performance.now() - first > 1_000) hurry.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, heard)
  // Whoever reads our log has gone (`npm start | head`): there is nobody left to talk to.
  process.stdout.on('error', heard)
  return { stop: stop.signal, hurry: hurry.signal }
}
