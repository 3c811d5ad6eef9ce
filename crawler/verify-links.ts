import { createEventLoopYield } from '#webindex/pages/yield-to-event-loop.ts'
import { byHost } from './by-host.ts'
import { NoNetwork } from './errors.ts'
import type { Reason } from './fetch-once.ts'
import type { FetchDeps } from './follow-redirects.ts'
import { readVisited } from './read-visited.ts'
import { createTroubles } from './troubles.ts'
import { type Visit, visitPage } from './visit-page.ts'
import type { LinkStatus, LinkToVerify } from './web.ts'
import { hostOf } from './web-url.ts'

/** A page with all the links that it should hold. */
interface Source<Link> {
  url: URL
  host: string
  links: Link[]
}

/**
 * Where all of the first hosts are out of reach (or all, where there are fewer), it is this
 * machine's trouble.
 */
const firstHosts = 8
/** Links that are compared in one stretch. */
const pieceLength = 500
/** Of so few hosts, all may be gone for ever. */
const fewHosts = 2

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
): AsyncGenerator<{ link: Link; status: LinkStatus }> {
  const { sources, invalid } = sourcesOf(links)
  for (const link of invalid) yield { link, status: 'http_error' }

  const hosts = new Map<string, Source<Link>[]>()
  for (const source of sources) hosts.set(source.host, [...(hosts.get(source.host) ?? []), source])
  const probes = new Set([...hosts.keys()].slice(0, firstHosts))
  const left = new Map<string, LinkStatus>()
  const troubles = createTroubles()
  const next = (isBusy: (host: string) => boolean): Source<Link> | null => {
    for (const [host, queue] of hosts) {
      if (isBusy(host)) continue
      const source = queue.shift()
      if (queue.length === 0) hosts.delete(host)
      if (source) return source
    }
    return null
  }
  const look = async (source: Source<Link>) => {
    const { host } = source
    const leftWith = left.get(host)
    if (leftWith)
      return {
        host,
        visit: null,
        verdicts: source.links.map((link) => ({ link, status: leftWith })),
      }
    const visit = await visitPage(source.url, deps)
    // A redirect may have led to another host, whose troubles are its own.
    if (troubles.after(hostOf(visit.url), visit) && !visit.ok)
      left.set(hostOf(visit.url), statusOf[visit.reason])
    return { host, visit, verdicts: await judge(source.links, visit, deps) }
  }

  // Told only once it is known that it is not for want of a network.
  let withheld: { link: Link; status: LinkStatus }[] | null = []
  const silent = new Set<string>()
  for await (const { host, visit, verdicts } of byHost(next, look, {
    atOnce: deps.session.limits.hostsAtOnce,
  })) {
    if (withheld && visit && !visit.ok && visit.offline) {
      silent.add(host)
      if (probes.size > fewHosts && [...probes].every((probe) => silent.has(probe)))
        throw new NoNetwork()
      // A refused address tells nothing of the network.
    } else if (withheld && visit && (visit.ok || visit.reason !== 'blocked_address')) {
      yield* withheld
      withheld = null
    }
    if (withheld) withheld.push(...verdicts)
    else yield* verdicts
  }
  yield* withheld ?? []
}

function sourcesOf<Link extends LinkToVerify>(
  links: readonly Link[],
): { sources: Source<Link>[]; invalid: Link[] } {
  const sources = new Map<string, Source<Link>>()
  const invalid: Link[] = []
  for (const link of links) {
    if (!URL.canParse(link.sourceUrl)) {
      invalid.push(link)
      continue
    }
    const url = new URL(link.sourceUrl)
    url.hash = ''
    const source = sources.get(url.href)
    if (source) source.links.push(link)
    else sources.set(url.href, { url, host: hostOf(url), links: [link] })
  }
  return { sources: [...sources.values()], invalid }
}

async function judge<Link extends LinkToVerify>(
  links: readonly Link[],
  visit: Visit,
  { session }: FetchDeps,
): Promise<{ link: Link; status: LinkStatus }[]> {
  if (!visit.ok) return links.map((link) => ({ link, status: statusOf[visit.reason] }))
  const page = await readVisited(visit, session)
  const giveWay = createEventLoopYield(session.signal)
  const verdicts: { link: Link; status: LinkStatus }[] = []
  for (const link of links) {
    let status: LinkStatus = 'lost'
    for (const [n, { href, nofollow }] of page.links.entries()) {
      if (n % pieceLength === 0) await giveWay()
      if (!link.isTarget(href)) continue
      status = nofollow ? 'live_nofollow' : 'live'
      if (!nofollow) break
    }
    verdicts.push({ link, status })
  }
  return verdicts
}
