import type { Visit } from './visit-page.ts'

/** After so many troubles in a row a host is left alone. */
const mostTroubles = 3

/**
 * Notices hosts that are better left alone: those that ask for it, and those that don't answer or
 * are busy again and again.
 */
export function createTroubles() {
  const inARow = new Map<string, number>()
  return {
    /** @returns why the host should be left alone from now on, as a sentence fragment. */
    after(host: string, visit: Visit): string | null {
      if (visit.ok) {
        inARow.delete(host)
        return null
      }
      if (visit.busy) return visit.busy
      const isTrouble =
        visit.reason === 'timeout' ||
        visit.reason === 'unreachable' ||
        visit.status === 429 ||
        visit.status === 503
      if (!isTrouble) {
        inARow.delete(host)
        return null
      }
      const troubles = (inARow.get(host) ?? 0) + 1
      inARow.set(host, troubles)
      return troubles < mostTroubles
        ? null
        : `${troubles} pages in a row could not be had (${visit.problem})`
    },
  }
}
