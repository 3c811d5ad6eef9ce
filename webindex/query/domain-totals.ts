import { z } from 'zod'
import { type ManyTargets, manyTargets } from './links-to-many.ts'
import {
  combined,
  type FilesRead,
  type GenerationFiles,
  type Part,
  pathsOf,
  readFiles,
  readShards,
} from './read-shards.ts'

const count = z.number().int().nonnegative()

/** What the index knows of a site. Moments are in milliseconds since 1970. */
export interface DomainTotals {
  site: string
  referringDomains: number
  links: number
  followLinks: number
  linkingPages: number
  /** Pages of the site in this index. */
  pages: number
  /** null if the index doesn't know the site. */
  rank: number | null
  webRank: number | null
  /** null if no link to the site is known. */
  firstSeen: number | null
  lastSeen: number | null
}

const Totals = z.object({
  n: count,
  referringDomains: count,
  links: count,
  followLinks: count,
  linkingPages: count,
  firstSeen: z.number().nullable(),
  lastSeen: z.number().nullable(),
})

const totalsSql = ({ targets, rows }: ManyTargets) => `
  WITH ${targets}, hits AS (${rows('$files', 'source_site, source_url, nofollow, seen_at', "kind <> 'metadata'")})
  SELECT n, count(DISTINCT source_site)::DOUBLE AS "referringDomains", count(*)::DOUBLE AS links,
    (count(*) FILTER (NOT nofollow))::DOUBLE AS "followLinks", count(DISTINCT source_url)::DOUBLE AS "linkingPages",
    epoch_ms(min(seen_at))::DOUBLE AS "firstSeen", epoch_ms(max(seen_at))::DOUBLE AS "lastSeen"
  FROM hits GROUP BY n`

/** Counts the domains of which only an edge is known: those without a link in `$linkFiles`. */
const edgesSql = ({ targets, rows }: ManyTargets, linkFiles: boolean) => `
  WITH ${targets}, pairs AS (
    SELECT DISTINCT n, source_site FROM (${rows('$files', 'source_site')})
    ${linkFiles ? `EXCEPT SELECT n, source_site FROM (${rows('$linkFiles', 'source_site', "kind <> 'metadata'")})` : ''})
  SELECT n, count(*)::DOUBLE AS "referringDomains", 0 AS links, 0 AS "followLinks", 0 AS "linkingPages",
    NULL::DOUBLE AS "firstSeen", NULL::DOUBLE AS "lastSeen"
  FROM pairs GROUP BY n`

const Site = z.object({
  n: count,
  pages: count,
  rank: z.number().nullable(),
  webRank: count.nullable(),
})

/** The pages of a whole code host are also those of its owners. */
const sitesSql = ({ targets }: ManyTargets) => `
  WITH ${targets}, known AS (
    SELECT n, pages, rank, web_rank FROM read_parquet($files) JOIN targets ON target = site
    UNION ALL SELECT n, pages, NULL, NULL FROM read_parquet($files) JOIN targets ON target = split_part(site, '/', 1) WHERE contains(site, '/'))
  SELECT n, sum(pages)::DOUBLE AS pages, max(rank) AS rank, min(web_rank)::DOUBLE AS "webRank" FROM known GROUP BY n`

/**
 * The totals of several sites, in their order. Each shard is read once for all of them. Only the
 * last part has rows; `done` counts shards.
 * @param sites distinct
 * @throws {GenerationGone} @throws {NotEnoughMemory}
 */
export async function* domainTotals(
  files: GenerationFiles,
  sites: readonly string[],
  { signal }: { signal: AbortSignal },
): AsyncGenerator<Part<DomainTotals>> {
  const targets = manyTargets(sites)
  const { values } = targets

  async function read(
    shards: readonly number[],
    until: AbortSignal,
  ): Promise<FilesRead<z.infer<typeof Totals>>> {
    const ofShards = (table: readonly string[]) => shards.flatMap((shard) => table[shard] ?? [])
    const links = { shape: Totals, sql: totalsSql(targets), values }
    const fromLinks = await readFiles(files, ofShards(files.links), links, until)
    const broken = new Set(fromLinks.broken.map(({ file }) => file))
    const linkFiles = ofShards(files.links).filter((file) => !broken.has(file))
    const edges = {
      shape: Totals,
      sql: edgesSql(targets, linkFiles.length > 0),
      values: { ...values, ...(linkFiles.length > 0 && { linkFiles: pathsOf(files, linkFiles) }) },
    }
    return combined([fromLinks, await readFiles(files, ofShards(files.edges), edges, until)])
  }

  const totals = sites.map(nothingKnown)
  const shards = [...files.links.keys()]
  for await (const { rows, read: filesRead, broken, done } of readShards(shards, read, {
    signal,
  })) {
    for (const row of rows) addTo(totals[row.n - 1], row)
    const last = done === shards.length
    const site = { shape: Site, sql: sitesSql(targets), values }
    const known = last ? await readFiles(files, files.sites, site, signal) : null
    for (const { n, ...facts } of known?.rows ?? []) Object.assign(totals[n - 1] ?? {}, facts)
    yield {
      rows: last ? totals : [],
      read: filesRead + (known?.read ?? 0),
      broken: [...broken, ...(known?.broken ?? [])],
      done,
    }
  }
}

function nothingKnown(site: string): DomainTotals {
  return {
    site,
    referringDomains: 0,
    links: 0,
    followLinks: 0,
    linkingPages: 0,
    pages: 0,
    rank: null,
    webRank: null,
    firstSeen: null,
    lastSeen: null,
  }
}

/** A domain links from one shard only, so the counts of shards add up. */
function addTo(totals: DomainTotals | undefined, row: z.infer<typeof Totals>): void {
  if (!totals) return
  totals.referringDomains += row.referringDomains
  totals.links += row.links
  totals.followLinks += row.followLinks
  totals.linkingPages += row.linkingPages
  totals.firstSeen = extreme(Math.min, totals.firstSeen, row.firstSeen)
  totals.lastSeen = extreme(Math.max, totals.lastSeen, row.lastSeen)
}

function extreme(
  choose: (...values: number[]) => number,
  a: number | null,
  b: number | null,
): number | null {
  const known = [a, b].filter((value) => value !== null)
  return known.length > 0 ? choose(...known) : null
}
