import type { WebDocument } from './pages/document.ts'

/** What a source of the index is; its files are read by one reader each. */
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

/** How often people searched for something, as a query log tells it. */
export interface LoggedQuery {
  /** As people typed it. */
  query: string
  /** How often results for it were shown: Search Console's impressions. */
  searches: number
  clicks: number
  /**
   * Average position of the property in the results, 1 at the top; null where the log does not say.
   */
  position: number | null
}

/**
 * One site links to another, and no page is known that holds the link: what a domain graph or a
 * table of linking sites tells.
 */
export interface SiteEdge {
  fromSite: string
  toSite: string
  /** null where the source does not count. */
  linkingPages: number | null
  targetPages: number | null
}

/** Where a site stands in a ranking of the whole web. */
export interface WebRank {
  site: string
  /** 1 is the first: position by harmonic centrality. */
  position: number
}

/** A search engine says that this page links to a property, and no more. */
export interface ReportedLink {
  /** Absolute; nobody has the page itself. */
  sourceUrl: string
  /** The property's own address. */
  targetUrl: string
  /** When the search engine last looked, else the date of the report. */
  seenAt: Date
}

/** Something that could not be read and was passed over. */
export interface BadRow {
  /**
   * For people: `crawl.warc.gz, record at byte 1,204`, `Queries.csv, line 17`. Names no folder
   * outside the import.
   */
  place: string
  /** A sentence fragment: `its gzip member is cut off`. */
  reason: string
}

/** What a reader of a source hands to the build, one after the other. */
export type SourceItem =
  | { page: WebDocument }
  | { query: LoggedQuery }
  | { edge: SiteEdge }
  | { rank: WebRank }
  | { reported: ReportedLink }
  /**
   * So many rows were understood and left out, as nobody asked for them: bad ones are weighed
   * against these too.
   */
  | { passed: number }
  | { bad: BadRow }
  /** Understood, and holds nothing for an index; told once to whoever asked for the import. */
  | { remark: string }

/** How far a reader is. `total` is null where it is unknown. */
export interface ReadProgress {
  done: number
  total: number | null
  /** `bytes`, `files`, `packages`. */
  unit: string
}

export interface ReaderOptions {
  signal: AbortSignal
  /** Cheap: call it often. */
  onProgress(progress: ReadProgress): void
}

/** A source, ready to be read. */
export interface Dataset {
  /**
   * What it is called in the index; the same name again replaces it. `warc:CC-MAIN-2026.warc.gz`
   */
  name: string
  kind: SourceKind
  /** Size of what is read, for the check of free disk; null where it is unknown. */
  bytes: number | null
  items(options: ReaderOptions): AsyncIterable<SourceItem>
}
