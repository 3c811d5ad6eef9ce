import { existsSync } from 'node:fs'
import type { DuckDBConnection } from '@duckdb/node-api'
import { z } from 'zod'
import { GenerationGone } from './errors.ts'
import type { LinkTarget } from './link-target.ts'
import { runQuery } from './run-query.ts'

export interface LinkQuestion {
  target: Pick<LinkTarget, 'site' | 'host' | 'key'>
  /** Links to the whole site, to one host of it, or to one page. */
  scope: 'site' | 'host' | 'url'
  /** `only`: leave out links that say nofollow, ugc or sponsored. */
  follow: 'all' | 'only'
  /** At most so many sites of the shard, those with most links first. */
  limit: number
}

const count = z.number().int().nonnegative()

/** One referring site with all that it says of the target. */
export const LinkingSite = z.object({
  site: z.string(),
  links: count,
  linkingPages: count,
  targetPages: count,
  followLinks: count,
  /** null: every link is without text. */
  topAnchor: z.string().nullable(),
  /** Different anchor texts, the empty one not counted. */
  anchors: count,
  /** ISO 8601. */
  firstSeen: z.iso.datetime(),
  lastSeen: z.iso.datetime(),
  sampleUrl: z.string(),
})
export type LinkingSite = z.infer<typeof LinkingSite>

/**
 * `$from <= target_site < $past` is there for speed alone: it is what lets DuckDB skip row groups of a file sorted by target.
 * A site's rows are those of its name, and, when a whole code host is asked for, those of all its owners (`github.com/…`).
 */
const question = `
  WITH hits AS MATERIALIZED (
    SELECT source_site AS site, source_url, target_url, anchor, nofollow, seen_at FROM read_parquet($file)
    WHERE target_site >= $site AND target_site < $past AND (target_site = $site OR starts_with(target_site, $owners))
      AND source_site <> $site AND NOT starts_with(source_site, $owners)
      AND ($host::VARCHAR IS NULL OR target_host = $host)
      AND ($key::VARCHAR IS NULL OR target_url = $key)
      AND NOT ($followOnly AND nofollow)
      AND kind <> 'metadata'
  ),
  uses AS (SELECT site, anchor, count(*) AS uses FROM hits WHERE anchor <> '' GROUP BY site, anchor),
  named AS (SELECT site, first(anchor ORDER BY uses DESC, anchor) AS anchor, count(*) AS anchors FROM uses GROUP BY site),
  counted AS (
    SELECT site, count(*) AS links, count(DISTINCT source_url) AS pages, count(DISTINCT target_url) AS targets,
      count(*) FILTER (NOT nofollow) AS follow, min(seen_at) AS first_seen, max(seen_at) AS last_seen, min(source_url) AS sample_url
    FROM hits GROUP BY site
  )
  SELECT counted.site, links::DOUBLE AS links, pages::DOUBLE AS "linkingPages", targets::DOUBLE AS "targetPages",
    follow::DOUBLE AS "followLinks", named.anchor AS "topAnchor", coalesce(named.anchors, 0)::DOUBLE AS anchors,
    strftime(first_seen, '%Y-%m-%dT%H:%M:%S.%gZ') AS "firstSeen", strftime(last_seen, '%Y-%m-%dT%H:%M:%S.%gZ') AS "lastSeen",
    sample_url AS "sampleUrl"
  FROM counted LEFT JOIN named ON named.site = counted.site
  ORDER BY links DESC, counted.site LIMIT $limit`

/** A shard's file, open for one job. */
export interface ShardFile {
  connection: DuckDBConnection
  path: string
  generation: string
}

/** The sites of one shard that link to the target from outside it. @throws {GenerationGone} */
export async function* linkingSitesIn(
  { connection, path, generation }: ShardFile,
  { target, scope, follow, limit }: LinkQuestion,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<LinkingSite> {
  const values = {
    file: path,
    site: target.site,
    owners: `${target.site}/`,
    past: `${target.site}0`, // '0' is the character after '/'.
    host: scope === 'site' ? null : target.host,
    key: scope === 'url' ? target.key : null,
    followOnly: follow === 'only',
    limit,
  }
  const result = await runQuery(connection, question, values, signal).catch((error: unknown) => {
    throw signal.aborted || existsSync(path) ? error : new GenerationGone(generation, { cause: error })
  })
  for await (const rows of result.yieldRowObjectJs()) {
    signal.throwIfAborted()
    for (const row of rows) yield LinkingSite.parse(row)
  }
}
