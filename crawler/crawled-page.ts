import { addressOf, type WebAddress } from '#webindex/pages/web-address.ts'
import type { Candidate } from './candidate-queues.ts'
import type { Frontier } from './frontier.ts'
import type { Session } from './polite-fetch.ts'
import { readVisited, type VisitedPage } from './read-visited.ts'
import type { Visit } from './visit-page.ts'
import type { CrawledPage } from './web.ts'

/** A visited page, and the addresses to follow from it. */
export interface ReadVisit {
  page: CrawledPage
  links: string[]
}

/** Reads a visited page and decides whether, and at which address, to add it to the index. */
export async function readVisit(
  candidate: Candidate,
  visit: Visit,
  frontier: Frontier,
  session: Session,
): Promise<ReadVisit> {
  const nothing = {
    ...{ url: candidate.url.href, status: visit.status, title: '', words: 0, links: 0 },
    ...{ depth: candidate.depth, document: null },
  }
  const failed = (problem: string, status = visit.status): ReadVisit => ({
    page: { ...nothing, status, problem },
    links: [],
  })
  if (!visit.ok) return failed(visit.problem)
  const address = visit.redirected === null ? candidate.address : addressOf(visit.url.href)
  if (!address) return failed('not on the public web')
  // Another host may have led to the same page at the same moment.
  if (address.key !== candidate.address.key && !frontier.claim(address.key))
    return failed(`redirects to ${address.url}`, visit.redirected)

  const content = await readVisited(visit, session)
  const { title, words, text } = content
  const page = { ...nothing, url: address.url, title, words, links: content.links.length }
  const links = content.links.filter(({ nofollow }) => !nofollow).map(({ href }) => href)
  const place = placeInIndex(address, content, frontier)
  if ('problem' in place) return { page: { ...page, problem: place.problem }, links }
  const document = {
    ...{ url: place.url, title, words, text, links: content.links },
    seenAt: session.now(),
    source: `crawl of ${address.host}`,
  }
  return { page: { ...page, problem: null, document }, links }
}

/** The address of a page in the index, or why the page is not added. */
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
  // The page is added at its canonical address, which needs no visit then, unless that page was
  // visited first.
  return frontier.claim(canonical.key)
    ? { url: canonical.url }
    : { problem: `a duplicate of ${canonical.url}` }
}
