import { addressOf } from '#webindex/pages/web-address.ts'
import { createEventLoopYield } from '#webindex/pages/yield-to-event-loop.ts'
import { byHost } from './by-host.ts'
import type { Candidate } from './candidate-queues.ts'
import { type InScope, scopeOf } from './crawl-scope.ts'
import { type ReadVisit, readVisit } from './crawled-page.ts'
import type { FetchDeps } from './follow-redirects.ts'
import { createFrontier, type Frontier } from './frontier.ts'
import { createHostFailures } from './host-failures.ts'
import { sitemapPages } from './sitemaps.ts'
import { type Visit, visitPage } from './visit-page.ts'
import { visitStart } from './visit-start.ts'
import type { CrawlEvent, CrawlOrder } from './web.ts'
import { hostOf } from './web-url.ts'

/**
 * Visits pages breadth first. Visits the start page before anything else, as its redirects
 * determine the scope. Reads sitemaps when no linked page is left.
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
  const report = createReport(frontier, maxPages)
  const sitemaps = sitemapPages(new URL(start.url), deps)
  const yieldIfDue = createEventLoopYield(session.signal)

  const url = new URL(start.url)
  const first = { address: start, url, host: hostOf(url), depth: 0 }
  let started = 1
  const next = (isBusy: (host: string) => boolean) => {
    const candidate = started < maxPages ? frontier.next(isBusy) : null
    if (candidate) started++
    return candidate
  }
  const read = async (candidate: Candidate, visit: Visit): Promise<Visited> => ({
    candidate,
    visit,
    ...(await readVisit(candidate, visit, frontier, session)),
  })
  const visit = async (candidate: Candidate) => {
    const follows = redirectFilter(candidate, inScope, frontier)
    return read(candidate, await visitPage(candidate.url, deps, follows))
  }
  async function* finish(visited: Visited): AsyncGenerator<CrawlEvent> {
    const { depth } = visited.candidate
    await addLinks(frontier, visited.links, depth === null ? null : depth + 1, yieldIfDue)
    yield* report.events(visited)
  }

  yield* finish(await read(first, startVisit))
  const { hostsAtOnce } = session.limits
  for (;;) {
    for await (const visited of byHost(next, visit, { hostsAtOnce })) yield* finish(visited)
    if (report.done() >= maxPages) break
    const sitemap = await sitemaps.next()
    if (sitemap.done) break
    await addLinks(frontier, sitemap.value, null, yieldIfDue)
  }
  yield { progress: { done: report.done(), total: report.done() } }
}

interface Visited extends ReadVisit {
  candidate: Candidate
  visit: Visit
}

/** Whether to follow a redirect: within the crawl, and not to a page that is claimed. */
function redirectFilter(candidate: Candidate, inScope: InScope, frontier: Frontier) {
  return (url: URL): boolean => {
    const address = addressOf(url.href)
    return (
      address !== null &&
      inScope(address) &&
      (address.key === candidate.address.key || !frontier.isClaimed(address.key))
    )
  }
}

async function addLinks(
  frontier: Frontier,
  hrefs: string[],
  depth: number | null,
  yieldIfDue: () => Promise<void>,
): Promise<void> {
  for (const [n, href] of hrefs.entries()) {
    frontier.add(href, depth)
    if (n % 100 === 99) await yieldIfDue()
  }
}

/** Turns visited pages into events: the page, notes, and progress. */
function createReport(frontier: Frontier, maxPages: number) {
  const failures = createHostFailures()
  let done = 0
  /** null until enough pages are known to reach `maxPages`. Never decreases. */
  let total: number | null = null

  function dropHostIfFailing(visit: Visit): string | null {
    const host = hostOf(visit.url)
    const reason = failures.after(host, visit)
    if (!reason) return null
    const dropped = frontier.dropHost(host)
    const skipped = dropped > 0 ? ` Skipped ${dropped.toLocaleString('en')} of its pages.` : ''
    return `Stopped visiting ${host}: ${reason}.${skipped}`
  }

  return {
    done: () => done,
    *events({ page, visit }: Visited): Generator<CrawlEvent> {
      yield { page }
      const note = dropHostIfFailing(visit)
      if (note) yield { note }
      for (const note of frontier.takeNotes()) yield { note }
      done++
      if (done + frontier.waiting() >= maxPages) total = maxPages
      yield { progress: { done, total } }
    },
  }
}
