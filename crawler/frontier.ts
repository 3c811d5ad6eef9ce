import { addressOf } from '#webindex/pages/web-address.ts'
import { type Candidate, createQueues } from './candidate-queues.ts'
import { type InScope, looksLikePage } from './crawl-scope.ts'
import { createTraps, maxAddresses } from './crawl-traps.ts'
import { hostOf, maxUrlLength, refusalOf } from './web-url.ts'

/** The pages that a crawl knows and has not visited yet, by the number of clicks to them. */
export interface Frontier {
  /** Adds an address if it is new and belongs to the crawl. */
  add(href: string, depth: number | null): void
  /** Marks a page as taken, so that `next` never returns it. @returns false if it already was. */
  claim(key: string): boolean
  isClaimed(key: string): boolean
  /** Claims and returns the next page. */
  next(isBusy: (host: string) => boolean): Candidate | null
  /** Drops the pages of a host and ignores it from now on. @returns how many were waiting. */
  dropHost(host: string): number
  /** The number of waiting pages. */
  waiting(): number
  /** Notes about skipped addresses since the last call, for the user. */
  takeNotes(): string[]
}

export function createFrontier(inScope: InScope): Frontier {
  /** Candidates by the key of their address; null once the page is claimed. */
  const known = new Map<string, Candidate | null>()
  /** Keys by addresses as written in links; null for addresses outside the crawl. */
  const keys = new Map<string, string | null>()
  const droppedHosts = new Set<string>()
  const queues = createQueues((candidate) => known.get(candidate.address.key) === candidate)
  const traps = createTraps()
  let waiting = 0

  function isClaimed(key: string): boolean {
    return known.get(key) === null
  }

  function claim(key: string): boolean {
    if (isClaimed(key)) return false
    if (known.has(key)) waiting--
    known.set(key, null)
    return true
  }

  /** Resolves an address. null if it is claimed or outside the crawl. */
  function unclaimed(href: string) {
    // Pages of a site share most of their links, so this check comes before parsing.
    const knownKey = keys.get(href)
    if (knownKey === null || (knownKey !== undefined && isClaimed(knownKey))) return null
    const address = addressOf(href)
    const key = address && inScope(address) ? address.key : null
    if (keys.size < maxAddresses && href.length <= maxUrlLength) keys.set(href, key)
    return address && key !== null && !isClaimed(key) ? address : null
  }

  function moveNearer(candidate: Candidate, depth: number | null): void {
    if (depth === null || (candidate.depth !== null && candidate.depth <= depth)) return
    candidate.depth = depth
    queues.add(candidate)
  }

  function isWanted(candidate: Candidate): boolean {
    const { url, host } = candidate
    if (droppedHosts.has(host) || refusalOf(url) || !looksLikePage(url)) return false
    return !traps.isTrap(candidate, {
      hosts: queues.hosts(),
      addresses: known.size,
      isNewHost: !queues.hasHost(host),
    })
  }

  return {
    add(href, depth) {
      const address = unclaimed(href)
      if (!address) return
      const candidate = known.get(address.key)
      if (candidate) return moveNearer(candidate, depth)
      const url = new URL(address.url)
      const added = { address, url, host: hostOf(url), depth }
      if (!isWanted(added)) return
      known.set(address.key, added)
      queues.add(added)
      waiting++
    },
    claim,
    isClaimed,
    next(isBusy) {
      const nearest = queues.nearest(isBusy)
      if (nearest) claim(nearest.address.key)
      return nearest
    },
    dropHost(host) {
      droppedHosts.add(host)
      const dropped = queues.removeHost(host)
      for (const { address } of dropped) claim(address.key)
      return dropped.length
    },
    waiting: () => waiting,
    takeNotes: traps.takeNotes,
  }
}
