import type { WebDocument } from '#webindex/pages/document.ts'

/** The state of a known link when its page was visited again. */
export const linkStatuses = [
  'live',
  'live_nofollow',
  'lost',
  'gone',
  'robots',
  'blocked_address',
  'timeout',
  'http_error',
  'not_html',
] as const
export type LinkStatus = (typeof linkStatuses)[number]

/** A page that a crawl has visited. */
export interface CrawledPage {
  url: string
  /** HTTP status; null if there was no answer. */
  status: number | null
  /** Why the page is not added to the index, in a few words; null if it is. */
  problem: string | null
  title: string
  words: number
  links: number
  /** Clicks from the start page; null if the crawl knows the page from a sitemap only. */
  depth: number | null
  /** For the index; null if there is a `problem`. */
  document: WebDocument | null
}

/** A page of a crawl, or a note or progress for the user. */
export type CrawlEvent =
  | { page: CrawledPage }
  | { note: string }
  | { progress: { done: number; total: number | null } }

export interface CrawlOrder {
  startUrl: string
  maxPages: number
  /** The whole site with its subdomains, the host of the start page, or its folder. */
  scope: 'site' | 'host' | 'folder'
}

/** A link that was on a page earlier. */
export interface LinkToVerify {
  sourceUrl: string
  /** Whether a link leads to the target of this one. @param href absolute */
  isTarget(href: string): boolean
}

/** A link after its page was visited. */
export interface VerifiedLink<Link> {
  link: Link
  status: LinkStatus
  /** HTTP status of the page; null if there was no answer. */
  httpStatus: number | null
  /** Where the page is now, if it redirects. */
  movedTo: string | null
  /** The link's text now; null if it is not there. */
  anchor: string | null
  /** Why the page could not be checked, in a few words; null if it was. */
  problem: string | null
}

/**
 * The web, visited politely: respects robots.txt, sends one request at a time per host across all
 * workers, and connects to no private addresses.
 */
export interface Web {
  /** @throws {CannotCrawl} if the start page can't be fetched. */
  crawl(order: CrawlOrder, options: { signal: AbortSignal }): AsyncIterable<CrawlEvent>
  /**
   * Checks whether pages still have their links, several hosts at a time. Yields links as their
   * pages are checked. `http_error` includes unreachable pages and pages larger than 2 MiB.
   * @throws {NoNetwork} within seconds and before the first result, if nothing can be reached
   */
  verifyLinks<Link extends LinkToVerify>(
    links: readonly Link[],
    options: { signal: AbortSignal },
  ): AsyncIterable<VerifiedLink<Link>>
}
