/** Limits on the load for other servers and on the crawler's own time and memory. */
export interface Limits {
  /** For the DNS lookup and the connection together. */
  connectMs: number
  /** For one request, from its start to the last byte of the answer. */
  totalMs: number
  /** Of a page, decompressed. */
  maxPageBytes: number
  /** Of a robots.txt; the rest is ignored. RFC 9309 requires at least 500 KiB. */
  maxRobotsBytes: number
  /** Of a sitemap, decompressed; the rest is ignored. */
  maxSitemapBytes: number
  maxRedirects: number
  /** From the end of a request to the start of the next one to the same host. */
  gapMs: number
  /** A longer crawl-delay is reduced to this one. */
  maxCrawlDelayMs: number
  /** A server that asks for a longer pause is not visited any more. */
  maxRetryAfterMs: number
  /**
   * Pauses before each retry of a busy server that names none. The length is the number of retries.
   */
  backoffMs: readonly number[]
  hostsAtOnce: number
  robotsMaxAgeMs: number
  /**
   * When to request a robots.txt again after a server error. If the server did not answer at all,
   * every visit requests it again.
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
