import type { DuckDBValue } from '@duckdb/node-api'
import { z } from 'zod'
import { type ManyTargets, manyTargets } from './links-to-many.ts'
import { combined, type GenerationFiles, pathsOf, readFiles } from './read-shards.ts'
import { readTop, type TopOfFiles, type TopPart, type Wanted } from './read-top.ts'
import { byCodePoint, largestFirst } from './top-rows.ts'

export interface GapQuery {
  /** Sites as in `LinkTarget`. */
  mine: string
  competitors: readonly string[]
  /** Leave out sites that link to fewer competitors. 1…the number of competitors. */
  atLeast: number
  limit: number
}

const count = z.number().int().nonnegative()

/** A site that links to competitors and not to mine. */
export const GapSite = z.object({
  site: z.string(),
  /** Positions in `competitors`, ascending. */
  competitors: z.array(count),
  /** Links to the competitors; 0 if only edges (schema.ts) are known. */
  links: count,
  linkingPages: count,
  rank: z.number().nullable(),
  webRank: count.nullable(),
  /** The first linking page by address; null if only edges are known. */
  sampleUrl: z.string().nullable(),
})
export type GapSite = z.infer<typeof GapSite>

/** A site; or, without `site`, the number of all sites, and of those left out. */
const Counted = z.object({
  found: count,
  leftOut: count,
  site: z.string().nullable(),
  links: count.nullable(),
  linkingPages: count.nullable(),
  rank: z.number().nullable(),
  webRank: count.nullable(),
  sampleUrl: z.string().nullable(),
  numbers: z.string().nullable(),
})

/** Competitors, then links, then linking pages, then rank: most first. */
function compareGaps(a: GapSite, b: GapSite): number {
  return (
    b.competitors.length - a.competitors.length ||
    b.links - a.links ||
    b.linkingPages - a.linkingPages ||
    largestFirst(a.rank, b.rank) ||
    byCodePoint(a.site, b.site)
  )
}

const siteOf = ({ site }: GapSite) => site
const linkColumns =
  'source_site AS site, source_url AS url, source_rank AS rank, source_web_rank AS web_rank'
const edgeColumns =
  'source_site AS site, NULL::VARCHAR AS url, source_rank AS rank, source_web_rank AS web_rank'

/** Number 1 is mine. Links of the compared sites themselves don't count. */
const gapSql = ({ targets, rows }: ManyTargets, edges: boolean) => `
  WITH ${targets},
  hits AS (
    ${rows('$files', linkColumns, "kind <> 'metadata'")} ${edges ? `UNION ALL ${rows('$edgeFiles', edgeColumns)}` : ''}),
  linking AS MATERIALIZED (
    SELECT site, bool_or(n = 1) AS mine, count(DISTINCT n) FILTER (n > 1) AS competitors, (count(url) FILTER (n > 1))::DOUBLE AS links,
      (count(DISTINCT url) FILTER (n > 1))::DOUBLE AS "linkingPages", max(rank) AS rank, min(web_rank)::DOUBLE AS "webRank",
      min(url) FILTER (n > 1) AS "sampleUrl", string_agg(DISTINCT n::VARCHAR, ' ') FILTER (n > 1) AS numbers
    FROM hits WHERE NOT EXISTS (FROM targets WHERE site = target OR starts_with(site, concat(target, '/')))
    GROUP BY site HAVING count(DISTINCT n) FILTER (n > 1) >= $atLeast)
  SELECT count(*) FILTER (NOT mine)::DOUBLE AS found, (count(*) FILTER (mine))::DOUBLE AS "leftOut", NULL::VARCHAR AS site FROM linking
  UNION ALL BY NAME (
    SELECT 0 AS found, 0 AS "leftOut", * EXCLUDE (mine, competitors) FROM linking WHERE NOT mine
    ORDER BY competitors DESC, links DESC, "linkingPages" DESC, rank DESC NULLS LAST, site LIMIT $limit)`

/** Reads of the edges what `gapSql` reads of them, so that it fails where that would. */
const checkEdgesSql = ({ targets, rows }: ManyTargets) => `
  WITH ${targets} SELECT count(*)::DOUBLE AS rows, count(rank + web_rank)::DOUBLE AS known FROM (${rows('$files', edgeColumns)})`

const Checked = z.object({ rows: count, known: count })

/**
 * The top sites that link to competitors and not to mine, in order. `leftOut` counts those that
 * also link to mine.
 * @throws {GenerationGone} @throws {NotEnoughMemory}
 */
export function linkGap(
  files: GenerationFiles,
  { mine, competitors, atLeast, limit }: GapQuery,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<TopPart<GapSite>> {
  const targets = manyTargets([mine, ...competitors])
  const values = { ...targets.values, atLeast }

  async function read(
    shards: readonly number[],
    wanted: Wanted<GapSite>,
    until: AbortSignal,
  ): Promise<TopOfFiles<GapSite>> {
    const ofShards = (table: readonly string[]) => shards.flatMap((shard) => table[shard] ?? [])
    const edges = await readableEdges(files, ofShards(files.edges), targets, until)
    const { rows, ...result } = await readFiles(
      files,
      ofShards(files.links),
      {
        shape: Counted,
        sql: gapSql(targets, edges.files.length > 0),
        values: { ...values, ...edges.values, limit: wanted.limit },
      },
      until,
    )
    // Now each file was read in a query of its own, but each time with the edges of all shards.
    if (result.broken.length > 0 && shards.length > 1) return readEach(shards, wanted, until)
    const sum = (key: 'found' | 'leftOut') => rows.reduce((total, row) => total + row[key], 0)
    const broken = [...result.broken, ...edges.broken]
    return {
      read: { read: result.read, broken, rows: rows.flatMap(gapIn) },
      found: sum('found'),
      leftOut: sum('leftOut'),
    }
  }

  async function readEach(
    shards: readonly number[],
    wanted: Wanted<GapSite>,
    until: AbortSignal,
  ): Promise<TopOfFiles<GapSite>> {
    const each: TopOfFiles<GapSite>[] = []
    for (const shard of shards) each.push(await read([shard], wanted, until))
    return {
      read: combined(each.map((part) => part.read)),
      found: each.reduce((total, part) => total + part.found, 0),
      leftOut: each.reduce((total, part) => total + (part.leftOut ?? 0), 0),
    }
  }

  const order = { limit, compare: compareGaps, keyOf: siteOf }
  return readTop([...files.links.keys()], read, { ...order, signal })
}

/** Finds the files that can be read: a query that fails doesn't say which of its tables it was. */
async function readableEdges(
  files: GenerationFiles,
  edges: readonly string[],
  targets: ManyTargets,
  signal: AbortSignal,
) {
  const check = { shape: Checked, sql: checkEdgesSql(targets), values: targets.values }
  const { broken } = await readFiles(files, edges, check, signal)
  const unreadable = new Set(broken.map(({ file }) => file))
  const readable = edges.filter((file) => !unreadable.has(file))
  const values: Record<string, DuckDBValue> =
    readable.length > 0 ? { edgeFiles: pathsOf(files, readable) } : {}
  return { files: readable, values, broken }
}

function gapIn(row: z.infer<typeof Counted>): GapSite | [] {
  if (row.site === null) return []
  const numbers = (row.numbers ?? '').split(' ').map(Number)
  return {
    site: row.site,
    competitors: numbers.map((n) => n - 2).sort((a, b) => a - b),
    links: row.links ?? 0,
    linkingPages: row.linkingPages ?? 0,
    rank: row.rank,
    webRank: row.webRank,
    sampleUrl: row.sampleUrl,
  }
}
