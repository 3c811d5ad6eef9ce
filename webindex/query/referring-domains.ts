import { z } from 'zod'
import type { LinkTarget } from '../pages/link-target.ts'
import {
  combined,
  type FilesRead,
  type GenerationFiles,
  type Part,
  readFiles,
  readShards,
} from './read-shards.ts'

export interface LinkQuery {
  target: Pick<LinkTarget, 'site' | 'host' | 'key'>
  /** Links to the whole site, to one of its hosts, or to one page. */
  scope: 'site' | 'host' | 'url'
  /** `only`: leave out links marked nofollow, ugc or sponsored. */
  follow: 'all' | 'only'
  /** Maximum number of domains in all. Each step prefers the domains with the most links. */
  limit: number
}

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

/**
 * Rows whose target is the site or, for a whole code host, one of its owners (`github.com/…`).
 * `$site <= target_site < $past` only saves time: it lets DuckDB skip row groups, because files are
 * sorted by target.
 */
const linksToTarget = `
  target_site >= $site AND target_site < $past AND (target_site = $site OR starts_with(target_site, $owners))
  AND source_site <> $site AND NOT starts_with(source_site, $owners)`

/** A reported link counts for its whole target site only: which page it leads to is unknown. */
export const linksSql = `
  WITH hits AS MATERIALIZED (
    SELECT source_site AS site, source_url, target_url, anchor, nofollow, kind, seen_at, source_rank, source_web_rank FROM read_parquet($files)
    WHERE ${linksToTarget}
      AND ($host::VARCHAR IS NULL OR (target_host = $host AND kind <> 'reported'))
      AND ($key::VARCHAR IS NULL OR target_url = $key)
      AND NOT ($followOnly AND nofollow)
      AND kind <> 'metadata'
  ),
  uses AS (SELECT site, anchor, count(*) AS uses FROM hits WHERE anchor <> '' GROUP BY site, anchor),
  named AS (SELECT site, first(anchor ORDER BY uses DESC, anchor) AS anchor, count(*) AS anchors FROM uses GROUP BY site),
  counted AS (
    SELECT site, count(*) AS links, count(DISTINCT source_url) AS pages, count(DISTINCT target_url) FILTER (kind <> 'reported') AS targets,
      count(*) FILTER (NOT nofollow) AS follow, min(seen_at) AS first_seen, max(seen_at) AS last_seen, min(source_url) AS sample_url,
      max(source_rank) AS rank, min(source_web_rank) AS web_rank
    FROM hits GROUP BY site
  )
  SELECT counted.site, links::DOUBLE AS links, pages::DOUBLE AS "linkingPages", nullif(targets, 0)::DOUBLE AS "targetPages",
    follow::DOUBLE AS "followLinks", named.anchor AS "topAnchor", coalesce(named.anchors, 0)::DOUBLE AS anchors,
    strftime(first_seen, '%Y-%m-%dT%H:%M:%S.%gZ') AS "firstSeen", strftime(last_seen, '%Y-%m-%dT%H:%M:%S.%gZ') AS "lastSeen",
    sample_url AS "sampleUrl", rank, web_rank::DOUBLE AS "webRank"
  FROM counted LEFT JOIN named ON named.site = counted.site
  ORDER BY links DESC, counted.site LIMIT $limit`

/** Takes the largest of several counts for a domain: datasets count the same pages. */
const edgesSql = `
  SELECT source_site AS site, NULL AS links, max(linking_pages)::DOUBLE AS "linkingPages", max(target_pages)::DOUBLE AS "targetPages",
    NULL AS "followLinks", NULL AS "topAnchor", NULL AS anchors, NULL AS "firstSeen", NULL AS "lastSeen", NULL AS "sampleUrl",
    max(source_rank) AS rank, min(source_web_rank)::DOUBLE AS "webRank"
  FROM read_parquet($files) WHERE ${linksToTarget}
  GROUP BY source_site ORDER BY max(linking_pages) DESC NULLS LAST, max(source_rank) DESC NULLS LAST, source_site LIMIT $limit`

/**
 * The target's referring domains, a few shards at a time. Each domain is in one shard only, so its
 * row is final.
 * @throws {GenerationGone}
 * @throws {NotEnoughMemory}
 */
export async function* referringDomains(
  files: GenerationFiles,
  { target, scope, follow, limit }: LinkQuery,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<Part<ReferringDomain>> {
  const range = targetRange(target)
  const filter = {
    host: scope === 'site' ? null : target.host,
    key: scope === 'url' ? target.key : null,
    followOnly: follow === 'only',
  }
  // Edges are between whole sites, and don't tell which links are nofollow.
  const edges = scope === 'site' && follow === 'all' ? files.edges : []
  let remaining = limit

  async function read(
    shards: readonly number[],
    until: AbortSignal,
  ): Promise<FilesRead<ReferringDomain>> {
    const fromLinks = await readFiles(
      files,
      shards.flatMap((shard) => files.links[shard] ?? []),
      { shape: ReferringDomain, sql: linksSql, values: { ...range, ...filter, limit: remaining } },
      until,
    )
    if (fromLinks.rows.length >= remaining) return fromLinks
    const known = new Set(fromLinks.rows.map(({ site }) => site))
    const fromEdges = await readFiles(
      files,
      shards.flatMap((shard) => edges[shard] ?? []),
      {
        shape: ReferringDomain,
        sql: edgesSql,
        values: { ...range, limit: remaining + known.size },
      },
      until,
    )
    const onlyEdges = fromEdges.rows.filter(({ site }) => !known.has(site))
    return combined([fromLinks, { ...fromEdges, rows: onlyEdges }])
  }

  for await (const { shards: _, rows, ...part } of readShards([...files.links.keys()], read, {
    signal,
  })) {
    yield { ...part, rows: rows.slice(0, remaining) }
    remaining -= Math.min(remaining, rows.length)
    if (remaining === 0) return
  }
}

/** The range of `target_site` that holds the target: from `site` up to, but without, `past`. */
export function targetRange({ site }: Pick<LinkTarget, 'site'>) {
  return { site, owners: `${site}/`, past: `${site}0` } // '0' is the character after '/'.
}
