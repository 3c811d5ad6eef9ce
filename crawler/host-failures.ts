import type { Visit } from './visit-page.ts'

/** How many failures in a row end the visits to a host. */
const maxFailures = 3

/**
 * Detects hosts to stop visiting: they ask for a long pause, or are repeatedly busy or unreachable.
 */
export function createHostFailures() {
  const inARow = new Map<string, number>()
  return {
    /**
     * @returns why to stop visiting the host, as a sentence fragment; null if there is no reason.
     */
    after(host: string, visit: Visit): string | null {
      if (visit.ok) {
        inARow.delete(host)
        return null
      }
      if (visit.busy) return visit.busy
      const isFailure =
        visit.reason === 'timeout' ||
        visit.reason === 'unreachable' ||
        visit.status === 429 ||
        visit.status === 503
      if (!isFailure) {
        inARow.delete(host)
        return null
      }
      const failures = (inARow.get(host) ?? 0) + 1
      inARow.set(host, failures)
      return failures < maxFailures ? null : `${failures} pages in a row failed (${visit.problem})`
    },
  }
}
