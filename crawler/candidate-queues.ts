import type { WebAddress } from '#webindex/pages/web-address.ts'

/** A page to visit. */
export interface Candidate {
  address: WebAddress
  url: URL
  /** Name and port. */
  host: string
  /** Clicks from the start page; null for a page that is known from a sitemap only. */
  depth: number | null
}

/** A page further from the start is not visited. */
export const maxClicks = 100

/**
 * Candidates by host and depth, in the order in which they were found. A queue may hold a candidate
 * several times or after it was claimed, so `isWaiting` decides which ones count.
 */
export interface CandidateQueues {
  /** Call it again when the depth of a candidate decreases. */
  add(candidate: Candidate): void
  /** Finds the waiting candidate with the fewest clicks; it stays in its queue. */
  nearest(isBusy: (host: string) => boolean): Candidate | null
  /** Removes and returns the waiting candidates of a host. */
  removeHost(host: string): Candidate[]
  hasHost(host: string): boolean
  hosts(): number
}

/** The candidates of a host by rank. Those before `next` were claimed or moved to a lower rank. */
type HostQueue = Map<number, { candidates: Candidate[]; next: number }>

/** Pages of unknown depth come last. */
const rankOf = ({ depth }: Candidate) => depth ?? maxClicks + 1

export function createQueues(isWaiting: (candidate: Candidate) => boolean): CandidateQueues {
  const queues = new Map<string, HostQueue>()

  function nearestIn(queue: HostQueue): Candidate | null {
    for (const rank of [...queue.keys()].sort((a, b) => a - b)) {
      const line = queue.get(rank)
      for (; line && line.next < line.candidates.length; line.next++) {
        const candidate = line.candidates[line.next]
        if (candidate && isWaiting(candidate) && rankOf(candidate) === rank) return candidate
      }
      queue.delete(rank)
    }
    return null
  }

  return {
    add(candidate) {
      const queue: HostQueue = queues.get(candidate.host) ?? new Map()
      queues.set(candidate.host, queue)
      const line = queue.get(rankOf(candidate)) ?? { candidates: [], next: 0 }
      queue.set(rankOf(candidate), line)
      line.candidates.push(candidate)
    },
    nearest(isBusy) {
      let nearest: Candidate | null = null
      for (const [host, queue] of queues) {
        const candidate = isBusy(host) ? null : nearestIn(queue)
        if (candidate && (!nearest || rankOf(candidate) < rankOf(nearest))) nearest = candidate
      }
      return nearest
    },
    removeHost(host) {
      const lines = [...(queues.get(host)?.values() ?? [])]
      queues.set(host, new Map())
      return [...new Set(lines.flatMap(({ candidates }) => candidates.filter(isWaiting)))]
    },
    hasHost: (host) => queues.has(host),
    hosts: () => queues.size,
  }
}
