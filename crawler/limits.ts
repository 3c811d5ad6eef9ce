/** How much of other people's servers, and of our own time, the crawler takes. */
export interface Limits {
  /** For looking a name up and connecting. */
  connectMs: number
  /** For one request from its beginning to the last byte of its answer. */
  totalMs: number
  /** Of a page, unpacked. */
  maxPageBytes: number
  /** Of a robots.txt: RFC 9309 wants at least 500 KiB to be read. The rest is not looked at. */
  maxRobotsBytes: number
  /** Of a sitemap, unpacked. The rest is not looked at. */
  maxSitemapBytes: number
  maxRedirects: number
  /** Between the end of a request and the beginning of the next one to the same host. */
  gapMs: number
  /** A longer crawl-delay is taken for this one. */
  maxCrawlDelayMs: number
  /** A server that asks for a longer pause is left alone. */
  maxRetryAfterMs: number
  /**
   * Pauses before a busy server is asked again, where it names none; as many as there are further
   * tries.
   */
  backoffMs: readonly number[]
  hostsAtOnce: number
  robotsMaxAgeMs: number
  /**
   * After so long, a server that has failed to give its robots.txt is asked for it again; one that
   * did not answer, the next time.
   */
  robotsRetryMs: number
}

const MiB = 1024 * 1024

export const usualLimits: Limits = {
  connectMs: 5_000,
  totalMs: 15_000,
  maxPageBytes: 2 * MiB,
  maxRobotsBytes: 512 * 1024,
  maxSitemapBytes: 10 * MiB,
  maxRedirects: 5,
  gapMs: 1_000,
  maxCrawlDelayMs: 30_000,
  maxRetryAfterMs: 60_000,
  backoffMs: [5_000, 20_000],
  hostsAtOnce: 8,
  robotsMaxAgeMs: 24 * 60 * 60_000,
  robotsRetryMs: 5 * 60_000,
}
