import type { WebDocument } from './pages/document.ts'

/** The kinds of datasets; each has a reader of its own. */
export const sourceKinds = [
  'packages',
  'warc',
  'wat',
  'html',
  'crawl',
  'search-console',
  'webgraph',
] as const
export type SourceKind = (typeof sourceKinds)[number]

/** How often people searched for something, from a query log. */
export interface LoggedQuery {
  /** As typed. */
  query: string
  /** How often its results were shown: impressions in Search Console. */
  searches: number
  clicks: number
  /** Average position of the property in the results, 1 at the top; null if unknown. */
  position: number | null
}

/**
 * One site links to another, but the source page is unknown. From a domain graph or a table of
 * referring domains.
 */
export interface SiteEdge {
  fromSite: string
  toSite: string
  /** Number of source pages; null if the dataset does not count them. */
  linkingPages: number | null
  /** Number of pages linked to; null if the dataset does not count them. */
  targetPages: number | null
}

/** A site's position in a ranking of the whole web. */
export interface WebRank {
  site: string
  /** By harmonic centrality; 1 is the best. */
  position: number
}

/** A search engine reports that a page links to a property. The page's content is unknown. */
export interface ReportedLink {
  /** The source page; absolute. */
  sourceUrl: string
  /** The property's address. */
  targetUrl: string
  /** When the search engine last crawled the source page, else the date of the report. */
  seenAt: Date
}

/** A row that could not be read and was skipped. */
export interface BadRow {
  /**
   * For people: `crawl.warc.gz, record at byte 1,204`, `Queries.csv, line 17`. Paths are relative
   * to the import.
   */
  place: string
  /** A sentence fragment: `its gzip member is cut off`. */
  reason: string
}

/** What the reader of a dataset hands to the build, item by item. */
export type SourceItem =
  | { page: WebDocument }
  | { query: LoggedQuery }
  | { edge: SiteEdge }
  | { rank: WebRank }
  | { reported: ReportedLink }
  /** Number of readable rows that the import did not ask for. They count as good (`TooManyBad`). */
  | { passed: number }
  | { bad: BadRow }
  /** A remark for the user, such as on content that the index has no use for. Shown once. */
  | { remark: string }

/** A reader's progress. `total` is null if unknown. */
export interface ReadProgress {
  done: number
  total: number | null
  /** `bytes`, `files`, `packages`. */
  unit: string
}

export interface ReaderOptions {
  signal: AbortSignal
  /** Cheap enough to be called for every item. */
  onProgress(progress: ReadProgress): void
}

/** Something to import, ready to be read. Users know it as a source of the index. */
export interface Dataset {
  /** Adding another dataset of the same name replaces it. `warc:CC-MAIN-2026.warc.gz` */
  name: string
  kind: SourceKind
  /** Size of its files, to check for free disk space; null if unknown. */
  bytes: number | null
  items(options: ReaderOptions): AsyncIterable<SourceItem>
}
