import { addressOf, type WebAddress } from '#webindex/pages/web-address.ts'
import { type InScope, looksLikePage } from './crawl-scope.ts'
import { hostOf, longestUrl, refusalOf } from './web-url.ts'

/** A page that is to be visited. */
export interface Candidate {
  address: WebAddress
  url: URL
  /** Name and port. */
  host: string
  /** Clicks from the start page; null for what only a sitemap names. */
  depth: number | null
}

/**
 * What a crawl knows of and has not visited yet: nearest to the start page first, what only
 * sitemaps name last.
 */
export interface Frontier {
  /** Takes an address in, if it is new and belongs to the crawl. */
  add(href: string, depth: number | null): void
  /** The page is spoken for: @returns false if it was so already. */
  claim(key: string): boolean
  isClaimed(key: string): boolean
  /** Hands out the next page, and claims it. */
  next(isBusy: (host: string) => boolean): Candidate | null
  /** Forgets the pages of a host, now and later. @returns how many were waiting. */
  leave(host: string): number
  /** Number of pages that wait. */
  waiting(): number
  /** What it has left out since it was last asked, for whoever watches. */
  takeNotes(): string[]
}

/** Of one path: more are the same page sorted and filtered in other ways, without end. */
const mostQueries = 100
/** Deeper pages are those of calendars and the like. */
const mostClicks = 100
const mostHosts = 1_000
/** What is kept in memory. */
const mostKnown = 200_000

/**
 * The pages of one host by depth, each depth in the order in which they were found. What was
 * claimed or came nearer since is still in there.
 */
type Queue = Map<number, { candidates: Candidate[]; next: number }>

/** Where a page stands whose depth is not known: last. */
const place = ({ depth }: Candidate) => depth ?? mostClicks + 1

export function createFrontier(inScope: InScope): Frontier {
  /** By key; null once it is claimed. */
  const known = new Map<string, Candidate | null>()
  /** By address as it is written in links; null for what does not belong to the crawl. */
  const keys = new Map<string, string | null>()
  const hosts = new Map<string, Queue>()
  const left = new Set<string>()
  const queries = new Map<string, number>()
  const told = new Set<string>()
  let notes: string[] = []
  let waiting = 0

  function enqueue(candidate: Candidate): void {
    const queue: Queue = hosts.get(candidate.host) ?? new Map()
    hosts.set(candidate.host, queue)
    const line = queue.get(place(candidate)) ?? { candidates: [], next: 0 }
    queue.set(place(candidate), line)
    line.candidates.push(candidate)
  }

  /** The first that still waits, left where it is. */
  function nearestOf(queue: Queue): Candidate | null {
    for (const at of [...queue.keys()].sort((a, b) => a - b)) {
      const line = queue.get(at)
      for (; line && line.next < line.candidates.length; line.next++) {
        const candidate = line.candidates[line.next]
        if (candidate && known.get(candidate.address.key) === candidate && place(candidate) === at)
          return candidate
      }
      queue.delete(at)
    }
    return null
  }

  function tellOnce(about: string, note: string): void {
    if (told.has(about) || told.size >= 100) return
    told.add(about)
    notes.push(note)
  }

  function isTrap(url: URL, host: string, depth: number | null): boolean {
    if (depth !== null && depth > mostClicks) {
      tellOnce('depth', `Pages more than ${mostClicks} clicks away were left out.`)
      return true
    }
    if (!hosts.has(host) && hosts.size >= mostHosts) {
      tellOnce(
        'hosts',
        `There are more than ${mostHosts.toLocaleString('en')} hosts; the others were left out.`,
      )
      return true
    }
    if (known.size >= mostKnown) {
      tellOnce(
        'known',
        `More than ${mostKnown.toLocaleString('en')} addresses were found; the others were left out.`,
      )
      return true
    }
    if (!url.search) return false
    const path = `${host}${url.pathname}`
    const count = (queries.get(path) ?? 0) + 1
    if (count <= mostQueries) queries.set(path, count)
    else
      tellOnce(
        path,
        `More than ${mostQueries} addresses of ${path} differ only in what follows the “?”; the others were left out.`,
      )
    return count > mostQueries
  }

  return {
    add(href, depth) {
      // Most links of a page are those of its neighbours.
      const knownKey = keys.get(href)
      if (knownKey !== undefined && (knownKey === null || known.get(knownKey) === null)) return
      const address = addressOf(href)
      const key = address && inScope(address) ? address.key : null
      if (keys.size < mostKnown && href.length <= longestUrl) keys.set(href, key)
      if (!address || key === null) return
      const there = known.get(key)
      if (there) {
        if (depth === null || (there.depth !== null && there.depth <= depth)) return
        there.depth = depth
        enqueue(there)
        return
      }
      if (there === null) return
      const url = new URL(address.url)
      const host = hostOf(url)
      if (left.has(host) || refusalOf(url) || !looksLikePage(url) || isTrap(url, host, depth))
        return
      const candidate = { address, url, host, depth }
      known.set(address.key, candidate)
      enqueue(candidate)
      waiting++
    },
    claim(key) {
      const there = known.get(key)
      if (there === null) return false
      known.set(key, null)
      if (there) waiting--
      return true
    },
    isClaimed: (key) => known.get(key) === null,
    next(isBusy) {
      let nearest: Candidate | null = null
      for (const [host, queue] of hosts) {
        const candidate = isBusy(host) ? null : nearestOf(queue)
        if (candidate && (!nearest || place(candidate) < place(nearest))) nearest = candidate
      }
      if (!nearest) return null
      known.set(nearest.address.key, null)
      waiting--
      return nearest
    },
    leave(host) {
      left.add(host)
      let dropped = 0
      for (const line of hosts.get(host)?.values() ?? [])
        for (const candidate of line.candidates) {
          if (known.get(candidate.address.key) !== candidate) continue
          known.set(candidate.address.key, null)
          dropped++
        }
      hosts.set(host, new Map())
      waiting -= dropped
      return dropped
    },
    waiting: () => waiting,
    takeNotes() {
      const taken = notes
      notes = []
      return taken
    },
  }
}
