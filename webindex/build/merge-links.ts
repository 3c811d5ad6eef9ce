import { join } from 'node:path'
import type { IndexedSource, Manifest, ParquetFile } from '../manifest.ts'
import type { MergeOptions } from './merge-options.ts'
import { type ExtractName, extracts } from './source-rows.ts'
import { quoted } from './staging.ts'

type Sources = Pick<MergeOptions, 'dir' | 'sources'>

/**
 * A page of any source in one number; the source that was added last has the highest, and within it
 * the page that was read last.
 */
const pageNumber = (position: number) => `${position}::UBIGINT * 1099511627776 + n AS page`

/** The rows of one source, `page` in place of its own number; none where it has no such table. */
export function rowsOf(
  { dir, sources }: Sources,
  source: IndexedSource,
  table: ExtractName,
): string | null {
  const file = source.files[table]
  if (!file) return null
  const rows = `read_parquet(${quoted(join(dir, file.file))})`
  if (table !== 'pages' && table !== 'links') return `SELECT * FROM ${rows}`
  return `SELECT ${pageNumber(sources.indexOf(source))}, * EXCLUDE (n) FROM ${rows}`
}

/** The rows of all sources. */
export function allRows(from: Sources, table: ExtractName): string {
  const selects = from.sources.flatMap((source) => rowsOf(from, source, table) ?? [])
  return selects.length > 0 ? selects.join(' UNION ALL ') : noRows(table)
}

/** The columns of a table, and nothing in them. */
function noRows(table: ExtractName): string {
  const columns = extracts[table].split(',').map((column) => column.trim().split(/\s+/))
  const nulls = columns.map(([name, type]) => `NULL::${type} AS ${name === 'n' ? 'page' : name}`)
  return `SELECT ${nulls.join(', ')} WHERE false`
}

/** A page that several sources hold counts once, and only the links of that one count. */
export async function mergePages({ staging, ...from }: MergeOptions): Promise<void> {
  const rows = allRows(from, 'pages')
  await staging.run(`
    CREATE TABLE pages AS SELECT page, url, key, site, host, title, words, source, seen_at FROM (${rows})
    WHERE page IN (SELECT max(page) FROM (${rows}) GROUP BY key)`)
}

/**
 * Links with their pages; and what only graphs and tables tell of sites, `edges` without the pairs
 * that links tell already.
 */
export async function mergeLinks({ staging, ...from }: MergeOptions): Promise<void> {
  await staging.run(`
    CREATE TABLE links AS
    SELECT pages.url AS source_url, pages.site AS source_site, pages.host AS source_host, target_url, target_host, target_site, anchor, nofollow, kind,
      pages.seen_at
    FROM (${allRows(from, 'links')}) JOIN pages USING (page)`)
  // A report counts for as long as no page is known that says more: which of its links lead there,
  // and with which words.
  await staging.run(`
    INSERT INTO links
    SELECT DISTINCT ON (source_key, target_url) source_url, source_site, source_host, target_url, target_host, target_site, '', false, 'reported', seen_at
    FROM (${allRows(from, 'reported')}) AS told
    WHERE NOT EXISTS (FROM links JOIN pages ON pages.url = links.source_url WHERE pages.key = told.source_key AND links.target_site = told.target_site)
    ORDER BY seen_at DESC`)
  await staging.run(`
    CREATE TABLE all_edges AS
    SELECT source_site, target_site, max(linking_pages) AS linking_pages, max(target_pages) AS target_pages
    FROM (${allRows(from, 'edges')}) WHERE source_site <> target_site GROUP BY source_site, target_site`)
  await staging.run(`
    CREATE TABLE edges AS FROM all_edges ANTI JOIN (SELECT source_site, target_site FROM links WHERE kind <> 'metadata')
    USING (source_site, target_site)`)
  await staging.run(
    `CREATE TABLE web_ranks AS SELECT site, min(position) AS position FROM (${allRows(from, 'ranks')}) GROUP BY site`,
  )
}

/**
 * Links go by hash of their source's site, so all links of one referring site are in one shard and
 * its row is final when that shard is read; within a shard by target, so a search reads only its
 * own stretch.
 */
export async function writeLinks(
  { staging, shards, onProgress }: MergeOptions,
  { withEdges }: { withEdges: boolean },
): Promise<Pick<Manifest['tables'], 'links' | 'edges'>> {
  const written: { links: ParquetFile[]; edges: ParquetFile[] } = { links: [], edges: [] }
  for (let k = 0; k < shards; k++) {
    onProgress({ phase: 'Writing links', done: k, total: shards, unit: 'shards' })
    const rows = (table: string, order: string) => `
      SELECT ${table}.*, sites.rank AS source_rank, sites.web_rank AS source_web_rank
      FROM ${table} LEFT JOIN sites ON sites.site = source_site WHERE hash(source_site) % ${shards} = ${k} ORDER BY ${order}`
    const number = String(k).padStart(2, '0')
    const order = 'target_site, target_host, target_url, source_site, source_url'
    written.links.push(await staging.copy(`links-${number}`, rows('links', order)))
    if (withEdges)
      written.edges.push(
        await staging.copy(`edges-${number}`, rows('edges', 'target_site, source_site')),
      )
  }
  onProgress({ phase: 'Writing links', done: shards, total: shards, unit: 'shards' })
  return {
    links: { shards: written.links },
    ...(withEdges && { edges: { shards: written.edges } }),
  }
}
