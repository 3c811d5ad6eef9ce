/**
 * An AbortController that also aborts when `signal` does. Call `unlink` when it is done:
 * AbortSignal.any has no such call, so each use of it leaks memory while `signal` lives.
 */
export function linkedController(signal: AbortSignal) {
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    unlink: () => signal.removeEventListener('abort', abort),
  }
}
