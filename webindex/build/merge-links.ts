import { join } from 'node:path'
import type { IndexedDataset, Manifest, ParquetFile } from '../manifest.ts'
import type { MergeOptions } from './merge-options.ts'
import { type SourceTableName, sourceTables } from './source-tables.ts'
import { quoted } from './staging.ts'

type Datasets = Pick<MergeOptions, 'dir' | 'datasets'>

/**
 * Numbers the pages of all datasets: later datasets have higher numbers, and so have pages read
 * later within a dataset. Each dataset has room for 2^40 pages.
 */
const pageNumber = (position: number) => `${position}::UBIGINT * 1099511627776 + n AS page`

/** Selects the rows of one dataset, with `page` instead of `n`. @returns null if it has none. */
export function rowsOf(
  { dir, datasets }: Datasets,
  dataset: IndexedDataset,
  table: SourceTableName,
): string | null {
  const file = dataset.files[table]
  if (!file) return null
  const rows = `read_parquet(${quoted(join(dir, file.file))})`
  if (table !== 'pages' && table !== 'links') return `SELECT * FROM ${rows}`
  return `SELECT ${pageNumber(datasets.indexOf(dataset))}, * EXCLUDE (n) FROM ${rows}`
}

/** Selects the rows of all datasets. */
export function allRows(from: Datasets, table: SourceTableName): string {
  const selects = from.datasets.flatMap((dataset) => rowsOf(from, dataset, table) ?? [])
  return selects.length > 0 ? selects.join(' UNION ALL ') : noRows(table)
}

/** Selects no rows, with the columns of a table. */
function noRows(table: SourceTableName): string {
  const columns = sourceTables[table].split(',').map((column) => column.trim().split(/\s+/))
  const nulls = columns.map(([name, type]) => `NULL::${type} AS ${name === 'n' ? 'page' : name}`)
  return `SELECT ${nulls.join(', ')} WHERE false`
}

/** Fills `pages` with each page once, from the last dataset that has it. */
export async function mergePages({ staging, ...from }: MergeOptions): Promise<void> {
  const rows = allRows(from, 'pages')
  await staging.run(`
    CREATE TABLE pages AS SELECT page, url, key, site, host, title, words, source, seen_at FROM (${rows})
    WHERE page IN (SELECT max(page) FROM (${rows}) GROUP BY key)`)
}

/**
 * Fills `links` with the links of those pages and the reported links, `all_edges` with all edges,
 * `edges` with the edges between sites that no link connects, and `web_ranks`.
 */
export async function mergeLinks({ staging, ...from }: MergeOptions): Promise<void> {
  await staging.run(`
    CREATE TABLE links AS
    SELECT pages.url AS source_url, pages.site AS source_site, pages.host AS source_host, target_url, target_host, target_site, anchor, nofollow, kind,
      pages.seen_at
    FROM (${allRows(from, 'links')}) JOIN pages USING (page)`)
  // A reported link counts only while the index has no link from that page to that site, which
  // would say more: its target and its anchor text.
  await staging.run(`
    INSERT INTO links
    SELECT DISTINCT ON (source_key, target_url) source_url, source_site, source_host, target_url, target_host, target_site, '', false, 'reported', seen_at
    FROM (${allRows(from, 'reported')}) AS reports
    WHERE NOT EXISTS (FROM links JOIN pages ON pages.url = links.source_url WHERE pages.key = reports.source_key AND links.target_site = reports.target_site)
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
 * Writes links and edges. A shard has all links of its referring domains, so a search's rows are
 * final once the shard is read. Files are sorted by target, so a search reads only the row groups
 * of its target.
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
