import { parseUrl } from '#webindex/pages/parse-url.ts'
import { createEventLoopYield } from '#webindex/pages/yield-to-event-loop.ts'
import { byHost } from './by-host.ts'
import { NoNetwork } from './errors.ts'
import type { Reason } from './fetch-once.ts'
import type { FetchDeps } from './follow-redirects.ts'
import { createHostFailures } from './host-failures.ts'
import { readVisited } from './read-visited.ts'
import { type Visit, visitPage } from './visit-page.ts'
import type { LinkStatus, LinkToVerify, VerifiedLink } from './web.ts'
import { hostOf } from './web-url.ts'

/** A linking page with all the links to verify on it. */
interface SourcePage<Link> {
  url: URL
  host: string
  links: Link[]
}

/** If all of the first hosts are out of reach, this machine has no network. */
const maxProbes = 8
/** Fewer hosts may all be gone by coincidence. */
const minProbes = 3
/** How many links to compare before yielding to the event loop. */
const batchSize = 500

const statusOf: Record<Reason, LinkStatus> = {
  blocked_address: 'blocked_address',
  robots: 'robots',
  timeout: 'timeout',
  gone: 'gone',
  not_html: 'not_html',
  unreachable: 'http_error',
  http_error: 'http_error',
  too_large: 'http_error',
}

/** @throws {NoNetwork} @throws the signal's reason */
export async function* verifyLinks<Link extends LinkToVerify>(
  links: readonly Link[],
  deps: FetchDeps,
): AsyncGenerator<VerifiedLink<Link>> {
  const { pages, invalid } = sourcePagesOf(links)
  for (const link of invalid) yield unvisited(link, 'http_error', 'not a web address')

  const queues = new Map<string, SourcePage<Link>[]>()
  for (const page of pages) {
    const queue = queues.get(page.host)
    if (queue) queue.push(page)
    else queues.set(page.host, [page])
  }
  const network = createNetworkCheck([...queues.keys()])
  const check = createPageCheck<Link>(deps)
  const { hostsAtOnce } = deps.session.limits
  /** Results are withheld until a visit shows that there is a network. */
  let withheld: VerifiedLink<Link>[] = []
  for await (const { host, visit, verified } of byHost(
    (isBusy) => nextPage(queues, isBusy),
    check,
    { hostsAtOnce },
  )) {
    if (visit) network.observe(host, visit)
    if (!network.isProven()) {
      withheld.push(...verified)
      continue
    }
    yield* withheld
    withheld = []
    yield* verified
  }
  yield* withheld
}

function sourcePagesOf<Link extends LinkToVerify>(
  links: readonly Link[],
): { pages: SourcePage<Link>[]; invalid: Link[] } {
  const pages = new Map<string, SourcePage<Link>>()
  const invalid: Link[] = []
  for (const link of links) {
    if (!parseUrl(link.sourceUrl)) {
      invalid.push(link)
      continue
    }
    const url = new URL(link.sourceUrl)
    url.hash = ''
    const page = pages.get(url.href)
    if (page) page.links.push(link)
    else pages.set(url.href, { url, host: hostOf(url), links: [link] })
  }
  return { pages: [...pages.values()], invalid }
}

/** Takes a page of the first host that is not busy. */
function nextPage<Link>(
  queues: Map<string, SourcePage<Link>[]>,
  isBusy: (host: string) => boolean,
): SourcePage<Link> | null {
  for (const [host, queue] of queues) {
    if (isBusy(host)) continue
    const page = queue.shift()
    if (queue.length === 0) queues.delete(host)
    if (page) return page
  }
  return null
}

/** Decides from the visits whether this machine has a network. */
function createNetworkCheck(hosts: string[]) {
  const probes = hosts.slice(0, maxProbes)
  const offline = new Set<string>()
  let isProven = false
  return {
    /** @throws {NoNetwork} */
    observe(host: string, visit: Visit): void {
      if (isProven) return
      if (!visit.ok && visit.offline) {
        offline.add(host)
        if (probes.length >= minProbes && probes.every((probe) => offline.has(probe)))
          throw new NoNetwork()
        // A blocked address proves nothing, as no connection was attempted.
      } else if (visit.ok || visit.reason !== 'blocked_address') isProven = true
    },
    isProven: () => isProven,
  }
}

interface CheckedPage<Link> {
  host: string
  /** null if the host had failed too often to be visited again. */
  visit: Visit | null
  verified: VerifiedLink<Link>[]
}

function createPageCheck<Link extends LinkToVerify>(deps: FetchDeps) {
  const failures = createHostFailures()
  /** Statuses of the links on hosts that are not visited any more. */
  const failed = new Map<string, LinkStatus>()
  return async ({ url, host, links }: SourcePage<Link>): Promise<CheckedPage<Link>> => {
    const status = failed.get(host)
    if (status) {
      const verified = links.map((link) => unvisited(link, status, 'its host failed before'))
      return { host, visit: null, verified }
    }
    const visit = await visitPage(url, deps)
    // After a redirect, the failure counts for the host that it led to.
    if (failures.after(hostOf(visit.url), visit) && !visit.ok)
      failed.set(hostOf(visit.url), statusOf[visit.reason])
    return { host, visit, verified: await verifyOnPage(links, visit, deps) }
  }
}

async function verifyOnPage<Link extends LinkToVerify>(
  links: readonly Link[],
  visit: Visit,
  { session }: FetchDeps,
): Promise<VerifiedLink<Link>[]> {
  const { status: httpStatus, url, redirected } = visit
  const facts = { httpStatus, movedTo: redirected === null ? null : url.href }
  if (!visit.ok) {
    const failed = { ...facts, anchor: null, problem: visit.problem }
    return links.map((link) => ({ link, status: statusOf[visit.reason], ...failed }))
  }
  const page = await readVisited(visit, session)
  const yieldIfDue = createEventLoopYield(session.signal)
  const verified: VerifiedLink<Link>[] = []
  for (const link of links) {
    let status: LinkStatus = 'lost'
    let text: string | null = null
    for (const [n, { href, nofollow, anchor }] of page.links.entries()) {
      if (n % batchSize === 0) await yieldIfDue()
      if (!link.isTarget(href)) continue
      status = nofollow ? 'live_nofollow' : 'live'
      text = anchor
      if (!nofollow) break
    }
    verified.push({ link, status, ...facts, anchor: text, problem: null })
  }
  return verified
}

function unvisited<Link>(link: Link, status: LinkStatus, problem: string): VerifiedLink<Link> {
  return { link, status, httpStatus: null, movedTo: null, anchor: null, problem }
}
