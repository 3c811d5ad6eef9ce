import { z } from 'zod'
import { isLinkToTarget, type LinkQuery, leadsToSite, linkValues, targetRange } from './links-to.ts'
import { combined, type GenerationFiles, pathsOf, readFiles } from './read-shards.ts'
import { readTop, type TopOfFiles, type TopPart, type Wanted } from './read-top.ts'
import { byCodePoint, largestFirst } from './top-rows.ts'

const count = z.number().int().nonnegative()

/**
 * A referring domain and its links to the target. Null means unknown: of some domains, only an
 * edge (schema.ts) is known.
 */
export const ReferringDomain = z.object({
  site: z.string(),
  links: count.nullable(),
  /** Number of source pages. */
  linkingPages: count.nullable(),
  /** Number of pages linked to. */
  targetPages: count.nullable(),
  followLinks: count.nullable(),
  /** null if no link has a text, or the texts are unknown. */
  topAnchor: z.string().nullable(),
  /** Number of distinct anchor texts other than ''. */
  anchors: count.nullable(),
  /** ISO 8601. */
  firstSeen: z.iso.datetime().nullable(),
  lastSeen: z.iso.datetime().nullable(),
  sampleUrl: z.string().nullable(),
  /** 0…100: the percentage of the index's sites with a lower PageRank. */
  rank: z.number().nullable(),
  /** Position in an imported ranking of the web; 1 is the best. */
  webRank: count.nullable(),
})
export type ReferringDomain = z.infer<typeof ReferringDomain>

/** Links, then linking pages, then rank: most first. Domains known from an edge only come last. */
export function compareDomains(a: ReferringDomain, b: ReferringDomain): number {
  return (
    largestFirst(a.links, b.links) ||
    largestFirst(a.linkingPages, b.linkingPages) ||
    largestFirst(a.rank, b.rank) ||
    byCodePoint(a.site, b.site)
  )
}

/**
 * A domain; or, without `site`, the number of all domains in the files. Moments are in milliseconds
 * since 1970, because texts are slow to read.
 */
const Counted = ReferringDomain.extend({
  found: count,
  site: z.string().nullable(),
  firstSeen: z.number().nullable(),
  lastSeen: z.number().nullable(),
})
type Counted = z.infer<typeof Counted>

/** The first `$limit` domains that are not below the given one. */
const linksSql = `
  WITH hits AS MATERIALIZED (
    SELECT source_site AS site, source_url, target_url, anchor, nofollow, kind, seen_at, source_rank, source_web_rank
    FROM read_parquet($files) WHERE ${isLinkToTarget}),
  counted AS MATERIALIZED (
    SELECT site, count(*)::DOUBLE AS links, count(DISTINCT source_url)::DOUBLE AS "linkingPages", max(source_rank) AS rank
    FROM hits GROUP BY site),
  top AS MATERIALIZED (
    FROM counted WHERE $links IS NULL OR (links, "linkingPages", coalesce(rank, -1)) >= ($links, $linkingPages, $rank)
    ORDER BY links DESC, "linkingPages" DESC, rank DESC NULLS LAST, site LIMIT $limit),
  kept AS MATERIALIZED (FROM hits SEMI JOIN top USING (site)),
  uses AS (SELECT site, anchor, count(*) AS uses FROM kept WHERE anchor <> '' GROUP BY site, anchor),
  named AS (SELECT site, first(anchor ORDER BY uses DESC, anchor) AS anchor, count(*) AS anchors FROM uses GROUP BY site),
  details AS (
    SELECT site, count(DISTINCT target_url) FILTER (kind <> 'reported') AS targets, count(*) FILTER (NOT nofollow) AS follow,
      min(seen_at) AS first_seen, max(seen_at) AS last_seen, min(source_url) AS sample_url, min(source_web_rank) AS web_rank
    FROM kept GROUP BY site)
  SELECT count(*)::DOUBLE AS found, NULL::VARCHAR AS site FROM counted
  UNION ALL BY NAME
  SELECT 0 AS found, site, links, "linkingPages", nullif(targets, 0)::DOUBLE AS "targetPages", follow::DOUBLE AS "followLinks",
    named.anchor AS "topAnchor", coalesce(named.anchors, 0)::DOUBLE AS anchors,
    epoch_ms(first_seen)::DOUBLE AS "firstSeen", epoch_ms(last_seen)::DOUBLE AS "lastSeen",
    sample_url AS "sampleUrl", rank, web_rank::DOUBLE AS "webRank"
  FROM top JOIN details USING (site) LEFT JOIN named USING (site)`

/**
 * Takes the largest of several counts for a domain: datasets count the same pages. Leaves out
 * domains that have a link in `$linkFiles`.
 */
const edgesSql = (linkFiles: boolean) => `
  WITH counted AS MATERIALIZED (
    SELECT source_site AS site, max(linking_pages)::DOUBLE AS "linkingPages", max(target_pages)::DOUBLE AS "targetPages",
      max(source_rank) AS rank, min(source_web_rank)::DOUBLE AS "webRank"
    FROM read_parquet($files) WHERE ${leadsToSite}
      ${linkFiles ? `AND source_site NOT IN (SELECT source_site FROM read_parquet($linkFiles) WHERE ${leadsToSite} AND kind <> 'metadata')` : ''}
    GROUP BY source_site)
  SELECT count(*)::DOUBLE AS found, NULL::VARCHAR AS site, NULL::DOUBLE AS links, NULL::DOUBLE AS "followLinks", NULL::VARCHAR AS "topAnchor",
    NULL::DOUBLE AS anchors, NULL::DOUBLE AS "firstSeen", NULL::DOUBLE AS "lastSeen", NULL::VARCHAR AS "sampleUrl" FROM counted
  UNION ALL BY NAME (
    SELECT 0 AS found, * FROM counted ORDER BY "linkingPages" DESC NULLS LAST, rank DESC NULLS LAST, site LIMIT $limit)`

/**
 * The target's top referring domains, in order. Each domain is in one shard only, so its counts are
 * final.
 * @throws {GenerationGone}
 * @throws {NotEnoughMemory}
 */
export function referringDomains(
  files: GenerationFiles,
  query: LinkQuery,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<TopPart<ReferringDomain>> {
  const shards = [...files.links.keys()]
  const read = (some: readonly number[], wanted: Wanted<ReferringDomain>, until: AbortSignal) =>
    readTopDomains(files, query, some, wanted, until)
  const order = { limit: query.limit, compare: compareDomains, keyOf: siteOf }
  return readTop(shards, read, { ...order, signal })
}

const siteOf = ({ site }: ReferringDomain) => site

async function readTopDomains(
  files: GenerationFiles,
  query: LinkQuery,
  shards: readonly number[],
  { limit, floor }: Wanted<ReferringDomain>,
  signal: AbortSignal,
): Promise<TopOfFiles<ReferringDomain>> {
  const ofShards = (table: readonly string[]) => shards.flatMap((shard) => table[shard] ?? [])
  const bounds = {
    links: floor?.links ?? null,
    linkingPages: floor?.linkingPages ?? -1,
    rank: floor?.rank ?? -1,
  }
  const values = { ...linkValues(query), ...bounds, limit }
  const links = { shape: Counted, sql: linksSql, values }
  const fromLinks = await readFiles(files, ofShards(files.links), links, signal)

  // Edges are between whole sites, and don't say which links are nofollow.
  const edges = query.scope === 'site' && query.follow === 'all' ? ofShards(files.edges) : []
  const broken = new Set(fromLinks.broken.map(({ file }) => file))
  const readable = ofShards(files.links).filter((file) => !broken.has(file))
  const edgeValues = {
    ...targetRange(query.target),
    ...(readable.length > 0 && { linkFiles: pathsOf(files, readable) }),
    // Where links reach the limit, domains with edges are only counted.
    limit: bounds.links === null ? limit : 0,
  }
  const onlyEdges = { shape: Counted, sql: edgesSql(readable.length > 0), values: edgeValues }
  const fromEdges = await readFiles(files, edges, onlyEdges, signal)

  const { rows, ...read } = combined([fromLinks, fromEdges])
  const found = rows.reduce((sum, row) => sum + row.found, 0)
  return { read: { ...read, rows: rows.flatMap(domainIn) }, found }
}

function domainIn(row: Counted): ReferringDomain | [] {
  if (row.site === null) return []
  return {
    site: row.site,
    links: row.links,
    linkingPages: row.linkingPages,
    targetPages: row.targetPages,
    followLinks: row.followLinks,
    topAnchor: row.topAnchor,
    anchors: row.anchors,
    firstSeen: isoOf(row.firstSeen),
    lastSeen: isoOf(row.lastSeen),
    sampleUrl: row.sampleUrl,
    rank: row.rank,
    webRank: row.webRank,
  }
}

function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
