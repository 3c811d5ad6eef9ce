import { addressOf, type WebAddress } from '#webindex/pages/web-address.ts'
import { CannotCrawl } from './errors.ts'
import type { FetchDeps } from './follow-redirects.ts'
import { type Visit, visitPage } from './visit-page.ts'

/**
 * Visits the start page of a crawl and follows redirects to any site. If https can't be reached, it
 * tries http.
 * @throws {CannotCrawl}
 */
export async function visitStart(
  startUrl: string,
  deps: FetchDeps,
): Promise<{ start: WebAddress; visit: Visit; notes: string[] }> {
  const requested = addressOf(startUrl)
  if (!requested) throw new CannotCrawl(startUrl, 'it is not on the public web')
  const notes: string[] = []
  const url = new URL(requested.url)
  let visit = await visitPage(url, deps)
  if (!visit.ok && mayWorkInsecurely(url, visit)) {
    const insecure = await visitPage(new URL(url.href.replace('https:', 'http:')), deps)
    if (insecure.ok) {
      notes.push(`The site can’t be reached by https (${visit.problem}), so the crawl uses http.`)
      visit = insecure
    }
  }
  if (!visit.ok) throw new CannotCrawl(startUrl, reasonOf(visit))
  const start = addressOf(visit.url.href)
  if (!start)
    throw new CannotCrawl(
      startUrl,
      `it redirects to ${visit.url.href}, which is not on the public web`,
    )
  if (start.key !== requested.key)
    notes.push(`${requested.url} redirects to ${start.url}, so the crawl starts there.`)
  return { start, visit, notes }
}

type FailedVisit = Visit & { ok: false }

function mayWorkInsecurely(url: URL, visit: FailedVisit): boolean {
  return visit.reason === 'unreachable' && !visit.offline && url.protocol === 'https:' && !url.port
}

/** The problem of a visit as a clause. */
function reasonOf(visit: FailedVisit): string {
  if (visit.reason === 'gone') return `the page does not exist (${visit.problem})`
  if (visit.reason === 'http_error' && visit.status !== null)
    return `the server answered with an error (${visit.problem})`
  if (visit.reason === 'not_html' || visit.reason === 'too_large')
    return `the page is ${visit.problem}`
  return visit.problem
}
