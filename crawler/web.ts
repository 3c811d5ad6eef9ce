import type { WebDocument } from '#webindex/pages/document.ts'

/** What became of a link that the index knows, when its page was looked at again. */
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

/** A page that a crawl has visited, in the order in which it was visited. */
export interface CrawledPage {
  url: string
  /** HTTP status; null where there was no answer. */
  status: number | null
  /** Why it holds nothing for the index, in a few words; null for a page that was read. */
  problem: string | null
  title: string
  words: number
  links: number
  /** Clicks from the start page; null for what only the sitemap names. */
  depth: number | null
  /** For the index; null where `problem` says why. */
  document: WebDocument | null
}

/** What a crawl tells as it goes: a page, or something for whoever watches. */
export type CrawlEvent =
  | { page: CrawledPage }
  | { note: string }
  | { progress: { done: number; total: number | null } }

export interface CrawlOrder {
  startUrl: string
  maxPages: number
  /**
   * The whole site with all its subdomains, the host of the start page, or what lies below its
   * folder.
   */
  scope: 'site' | 'host' | 'folder'
}

/** A link that was seen on a page once. */
export interface LinkToVerify {
  sourceUrl: string
  /** Whether a link leads to what it led to then. @param href absolute */
  isTarget(href: string): boolean
}

/**
 * The web, visited politely: robots.txt, one request at a time and host over all workers, no
 * private addresses.
 */
export interface Web {
  /** @throws {CannotCrawl} when the start page itself can't be had. */
  crawl(order: CrawlOrder, options: { signal: AbortSignal }): AsyncIterable<CrawlEvent>
  /**
   * Looks whether pages still hold their links, several hosts at a time, in the order in which they
   * are through. Pages that can't be reached, whose server has errors or which are larger than 2
   * MiB are `http_error`.
   * @throws {NoNetwork} when nothing at all can be reached; within seconds, and before anything was
   * told
   */
  verifyLinks<Link extends LinkToVerify>(
    links: readonly Link[],
    options: { signal: AbortSignal },
  ): AsyncIterable<{ link: Link; status: LinkStatus }>
}
