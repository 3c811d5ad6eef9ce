import { z } from 'zod'
import type { LinkTarget } from '../pages/link-target.ts'
import {
  type FilesRead,
  type GenerationFiles,
  type Part,
  readFiles,
  readShards,
  together,
} from './read-shards.ts'

export interface LinkQuestion {
  target: Pick<LinkTarget, 'site' | 'host' | 'key'>
  /** Links to the whole site, to one host of it, or to one page. */
  scope: 'site' | 'host' | 'url'
  /** `only`: leave out links that say nofollow, ugc or sponsored. */
  follow: 'all' | 'only'
  /** At most so many sites in all; of what is read in one step, those with most links first. */
  limit: number
}

const count = z.number().int().nonnegative()

/**
 * One referring site with all that it says of the target. What is null nobody has told: of some
 * sites only a graph or a table says that they link.
 */
export const ReferringDomain = z.object({
  site: z.string(),
  links: count.nullable(),
  linkingPages: count.nullable(),
  targetPages: count.nullable(),
  followLinks: count.nullable(),
  /** null: every link is without text, or the texts are unknown. */
  topAnchor: z.string().nullable(),
  /** Different anchor texts, the empty one not counted. */
  anchors: count.nullable(),
  /** ISO 8601. */
  firstSeen: z.iso.datetime().nullable(),
  lastSeen: z.iso.datetime().nullable(),
  sampleUrl: z.string().nullable(),
  /** 0…100. */
  rank: z.number().nullable(),
  webRank: count.nullable(),
})
export type ReferringDomain = z.infer<typeof ReferringDomain>

/**
 * `$site <= target_site < $past` is there for speed alone: it is what lets DuckDB skip row groups
 * of a file sorted by target. A site's rows are those of its name, and, when a whole code host is
 * asked for, those of all its owners (`github.com/…`).
 */
const toTheTarget = `
  target_site >= $site AND target_site < $past AND (target_site = $site OR starts_with(target_site, $owners))
  AND source_site <> $site AND NOT starts_with(source_site, $owners)`

/**
 * A link that was only reported counts for its whole site: to which page of it the link leads is
 * not known.
 */
export const fromLinks = `
  WITH hits AS MATERIALIZED (
    SELECT source_site AS site, source_url, target_url, anchor, nofollow, kind, seen_at, source_rank, source_web_rank FROM read_parquet($files)
    WHERE ${toTheTarget}
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

/**
 * Where several sources tell of the same site, the larger count is taken: they count the same
 * pages.
 */
const fromEdges = `
  SELECT source_site AS site, NULL AS links, max(linking_pages)::DOUBLE AS "linkingPages", max(target_pages)::DOUBLE AS "targetPages",
    NULL AS "followLinks", NULL AS "topAnchor", NULL AS anchors, NULL AS "firstSeen", NULL AS "lastSeen", NULL AS "sampleUrl",
    max(source_rank) AS rank, min(source_web_rank)::DOUBLE AS "webRank"
  FROM read_parquet($files) WHERE ${toTheTarget}
  GROUP BY source_site ORDER BY max(linking_pages) DESC NULLS LAST, max(source_rank) DESC NULLS LAST, source_site LIMIT $limit`

/**
 * The sites that link to the target from outside it, some shards at a time. Each site is in one
 * shard only, so its row is final.
 * @throws {GenerationGone} @throws {NotEnoughMemory}
 */
export async function* referringDomains(
  files: GenerationFiles,
  { target, scope, follow, limit }: LinkQuestion,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<Part<ReferringDomain>> {
  const place = placeOf(target)
  const which = {
    host: scope === 'site' ? null : target.host,
    key: scope === 'url' ? target.key : null,
    followOnly: follow === 'only',
  }
  // What a graph tells is of whole sites, and not whether a link is to be followed.
  const edges = scope === 'site' && follow === 'all' ? files.edges : []
  let left = limit

  async function read(
    shards: readonly number[],
    until: AbortSignal,
  ): Promise<FilesRead<ReferringDomain>> {
    const seen = await readFiles(
      files,
      shards.flatMap((shard) => files.links[shard] ?? []),
      { shape: ReferringDomain, sql: fromLinks, values: { ...place, ...which, limit: left } },
      until,
    )
    if (seen.rows.length >= left) return seen
    const known = new Set(seen.rows.map(({ site }) => site))
    const told = await readFiles(
      files,
      shards.flatMap((shard) => edges[shard] ?? []),
      { shape: ReferringDomain, sql: fromEdges, values: { ...place, limit: left + known.size } },
      until,
    )
    return together([seen, { ...told, rows: told.rows.filter(({ site }) => !known.has(site)) }])
  }

  for await (const { shards: _, rows, ...part } of readShards([...files.links.keys()], read, {
    signal,
  })) {
    yield { ...part, rows: rows.slice(0, left) }
    left -= Math.min(left, rows.length)
    if (left === 0) return
  }
}

/** What the files are sorted by: all names from `site` to before `past`. */
export function placeOf({ site }: Pick<LinkTarget, 'site'>) {
  return { site, owners: `${site}/`, past: `${site}0` } // '0' is the character after '/'.
}
