import { addressOf, type WebAddress } from '#webindex/pages/web-address.ts'
import { createEventLoopYield } from '#webindex/pages/yield-to-event-loop.ts'
import { byHost } from './by-host.ts'
import { scopeOf } from './crawl-scope.ts'
import { CannotCrawl } from './errors.ts'
import type { FetchDeps } from './follow-redirects.ts'
import { type Candidate, createFrontier, type Frontier } from './frontier.ts'
import { readVisited, type VisitedPage } from './read-visited.ts'
import { sitemapPages } from './sitemaps.ts'
import { createTroubles } from './troubles.ts'
import { type Visit, visitPage } from './visit-page.ts'
import type { CrawlEvent, CrawledPage, CrawlOrder } from './web.ts'
import { hostOf } from './web-url.ts'

/**
 * Visits a place of the web breadth first. The start page is had before anything else, and
 * redirects of it decide what the place is. Sitemaps are asked for once no page that is linked to
 * is left.
 * @throws {CannotCrawl} @throws the signal's reason
 */
export async function* crawl(
  { startUrl, maxPages, scope }: CrawlOrder,
  deps: FetchDeps,
): AsyncGenerator<CrawlEvent> {
  const { session } = deps
  const { start, visit: startVisit, notes } = await visitStart(startUrl, deps)
  for (const note of notes) yield { note }
  const inScope = scopeOf(start, scope)
  const frontier = createFrontier(inScope)
  frontier.claim(start.key)
  const troubles = createTroubles()
  const sitemaps = sitemapPages(new URL(start.url), deps)
  const follows = (from: Candidate) => (url: URL) => {
    const address = addressOf(url.href)
    return (
      address !== null &&
      inScope(address) &&
      (address.key === from.address.key || !frontier.isClaimed(address.key))
    )
  }

  const giveWay = createEventLoopYield(session.signal)
  async function addAll(hrefs: string[], depth: number | null): Promise<void> {
    for (const [n, href] of hrefs.entries()) {
      frontier.add(href, depth)
      if (n % 100 === 99) await giveWay()
    }
  }

  let done = 0
  let began = 1
  /** Never goes back: unknown until more is known than may be visited. */
  let total: number | null = null
  async function* tell({ candidate, page, links, visit }: Visited): AsyncGenerator<CrawlEvent> {
    await addAll(links, candidate.depth === null ? null : candidate.depth + 1)
    yield { page }
    const host = hostOf(visit.url)
    const trouble = troubles.after(host, visit)
    if (trouble) {
      const dropped = frontier.leave(host)
      yield {
        note: `${host} is left alone: ${trouble}.${dropped > 0 ? ` ${dropped.toLocaleString('en')} of its pages are not visited.` : ''}`,
      }
    }
    for (const note of frontier.takeNotes()) yield { note }
    done++
    if (done + frontier.waiting() >= maxPages) total = maxPages
    yield { progress: { done, total } }
  }

  const first = {
    address: start,
    url: new URL(start.url),
    host: hostOf(new URL(start.url)),
    depth: 0,
  }
  yield* tell(await read(first, startVisit, frontier, deps))
  const next = (isBusy: (host: string) => boolean) => {
    const candidate = began < maxPages ? frontier.next(isBusy) : null
    if (candidate) began++
    return candidate
  }
  const visit = async (candidate: Candidate) =>
    read(candidate, await visitPage(candidate.url, deps, follows(candidate)), frontier, deps)
  for (;;) {
    for await (const visited of byHost(next, visit, { atOnce: session.limits.hostsAtOnce }))
      yield* tell(visited)
    if (done >= maxPages) break
    const named = await sitemaps.next()
    if (named.done) break
    await addAll(named.value, null)
  }
  yield { progress: { done, total: done } }
}

interface Visited {
  candidate: Candidate
  visit: Visit
  page: CrawledPage
  /** Addresses to be followed. */
  links: string[]
}

/** What a page means for the index. */
async function read(
  candidate: Candidate,
  visit: Visit,
  frontier: Frontier,
  { session }: FetchDeps,
): Promise<Visited> {
  const { depth } = candidate
  const page = {
    url: candidate.url.href,
    status: visit.status,
    title: '',
    words: 0,
    links: 0,
    depth,
    document: null,
  }
  if (!visit.ok) return { candidate, visit, links: [], page: { ...page, problem: visit.problem } }
  const address = visit.redirected === null ? candidate.address : addressOf(visit.url.href)
  if (!address)
    return {
      candidate,
      visit,
      links: [],
      page: { ...page, problem: 'not an address of the public web' },
    }
  // On another host the same page may have been reached at the same moment.
  if (address.key !== candidate.address.key && !frontier.claim(address.key))
    return {
      candidate,
      visit,
      links: [],
      page: { ...page, status: visit.redirected, problem: `redirects to ${address.url}` },
    }

  const read = await readVisited({ ...visit, url: visit.url }, session)
  const seen = {
    ...page,
    url: address.url,
    title: read.title,
    words: read.words,
    links: read.links.length,
  }
  const links = read.links.filter(({ nofollow }) => !nofollow).map(({ href }) => href)
  const standing = placeInIndex(address, read, frontier)
  if ('problem' in standing)
    return { candidate, visit, links, page: { ...seen, problem: standing.problem } }
  const { title, words, text } = read
  const document = {
    ...{ url: standing.url, title, words, text, links: read.links },
    seenAt: session.now(),
    source: `crawl of ${address.host}`,
  }
  return { candidate, visit, links, page: { ...seen, problem: null, document } }
}

/** Under which address a page stands in the index, or why it has no place in it. */
function placeInIndex(
  address: WebAddress,
  page: VisitedPage,
  frontier: Frontier,
): { url: string } | { problem: string } {
  if (page.noindex) return { problem: 'asks not to be indexed (noindex)' }
  const canonical = page.canonical === null ? null : addressOf(page.canonical)
  if (!canonical || canonical.key === address.key) return { url: address.url }
  if (canonical.site !== address.site)
    return { problem: `its canonical page is on another site: ${canonical.url}` }
  // Two addresses of one page: it stands for the other, which needs no visit any more, unless that
  // one came first.
  return frontier.claim(canonical.key)
    ? { url: canonical.url }
    : { problem: `the same page as ${canonical.url}` }
}

async function visitStart(
  startUrl: string,
  deps: FetchDeps,
): Promise<{ start: WebAddress; visit: Visit; notes: string[] }> {
  const asked = addressOf(startUrl)
  if (!asked) throw new CannotCrawl(startUrl, 'it is not an address of the public web')
  const url = new URL(asked.url)
  const notes: string[] = []
  let visit = await visitPage(url, deps)
  if (
    !visit.ok &&
    visit.reason === 'unreachable' &&
    !visit.offline &&
    url.protocol === 'https:' &&
    !url.port
  ) {
    const insecure = await visitPage(new URL(url.href.replace('https:', 'http:')), deps)
    if (insecure.ok) {
      notes.push(`It could not be reached by https (${visit.problem}), so http is used.`)
      visit = insecure
    }
  }
  if (!visit.ok) throw new CannotCrawl(startUrl, inASentence(visit))
  const start = addressOf(visit.url.href)
  if (!start)
    throw new CannotCrawl(
      startUrl,
      `it redirects to ${visit.url.href}, which is not an address of the public web`,
    )
  if (start.key !== asked.key)
    notes.push(`${asked.url} redirects to ${start.url}, which is crawled instead.`)
  return { start, visit, notes }
}

function inASentence(visit: Visit & { ok: false }): string {
  if (visit.reason === 'gone') return `the page is not there (${visit.problem})`
  if (visit.reason === 'http_error' && visit.status !== null)
    return `its server answers with an error (${visit.problem})`
  if (visit.reason === 'not_html' || visit.reason === 'too_large')
    return `the page is ${visit.problem}`
  return visit.problem
}
