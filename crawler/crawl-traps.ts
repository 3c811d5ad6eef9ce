import { type Candidate, maxClicks } from './candidate-queues.ts'

/** A crawl with more hosts or addresses would not fit into memory. */
const maxHosts = 1_000
export const maxAddresses = 200_000
/** Per path: more queries are the same page sorted and filtered in endless ways. */
const maxQueries = 100
const maxNotes = 100

/** How much the crawl knows already. */
interface Known {
  hosts: number
  addresses: number
  isNewHost: boolean
}

/** Detects addresses that would make a crawl endless, and notes each reason once. */
export interface CrawlTraps {
  /** Whether to skip the address. */
  isTrap(candidate: Candidate, known: Known): boolean
  /** Notes since the last call, for the user. */
  takeNotes(): string[]
}

export function createTraps(): CrawlTraps {
  /** Number of addresses with a query, by path. */
  const queries = new Map<string, number>()
  const noted = new Set<string>()
  let notes: string[] = []

  /** @returns why the address is a trap, and a key that is the same for the same reason. */
  function reasonAgainst({ url, host, depth }: Candidate, known: Known): [string, string] | null {
    if (depth !== null && depth > maxClicks)
      return ['depth', `Skipped pages more than ${maxClicks} clicks from the start page.`]
    if (known.isNewHost && known.hosts >= maxHosts)
      return ['hosts', `Skipped further hosts after the first ${maxHosts.toLocaleString('en')}.`]
    if (known.addresses >= maxAddresses)
      return [
        'addresses',
        `Skipped further addresses after the first ${maxAddresses.toLocaleString('en')}.`,
      ]
    if (!url.search) return null
    const path = `${host}${url.pathname}`
    const count = (queries.get(path) ?? 0) + 1
    if (count > maxQueries)
      return [
        path,
        `Skipped further addresses of ${path} after ${maxQueries} that differ only in their query.`,
      ]
    queries.set(path, count)
    return null
  }

  return {
    isTrap(candidate, known) {
      const reason = reasonAgainst(candidate, known)
      if (!reason) return false
      const [key, note] = reason
      if (!noted.has(key) && noted.size < maxNotes) {
        noted.add(key)
        notes.push(note)
      }
      return true
    },
    takeNotes() {
      const taken = notes
      notes = []
      return taken
    },
  }
}
