import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { IndexedDataset } from '../manifest.ts'
import { rowsOf } from './merge-links.ts'
import type { MergeOptions } from './merge-options.ts'
import { eachPageBatch } from './page-batches.ts'
import { phraseHashes } from './phrase-sql.ts'
import { quoted, type Staging } from './staging.ts'

/**
 * Temporary tables, partitioned by hash of the phrase. `texts`: a row for each phrase of a page's
 * title and text. `titles`: the pages with a phrase in the title. `anchors`: the pages linked to
 * with a phrase.
 */
export const partitionedTables = {
  texts: 'h UBIGINT, page UBIGINT, site_number BIGINT, uses UINTEGER, titled BOOLEAN',
  titles: 'h UBIGINT, key UBIGINT',
  anchors: 'h UBIGINT, key UBIGINT',
}
type PartitionedTable = keyof typeof partitionedTables

/** Fills `texts` and `titles`. */
export async function partitionTexts(options: MergeOptions, parts: number): Promise<void> {
  const { staging } = options
  await staging.run(
    'CREATE TABLE page_sites AS SELECT site, row_number() OVER () AS site_number FROM (SELECT DISTINCT site FROM pages)',
  )
  const tokens = `
    SELECT page, site_number, title_tokens AS tokens, true AS titled FROM batch UNION ALL SELECT page, site_number, text_tokens, false FROM batch`
  const texts = `
    SELECT h, page, any_value(site_number) AS site_number, count(*)::UINTEGER AS uses, bool_or(titled) AS titled
    FROM (${phraseHashes('page, site_number, titled', tokens)}) GROUP BY h, page`
  const titles = `SELECT DISTINCT h, key FROM (${phraseHashes('key', 'SELECT key, title_tokens AS tokens FROM batch')})`
  await eachPageBatch(options, 'Counting phrases', async ({ name }) => {
    await writePartitions({ staging, parts }, 'texts', name, texts)
    await writePartitions({ staging, parts }, 'titles', name, titles)
  })
}

/** Fills `anchors`. */
export async function partitionAnchors(options: MergeOptions, parts: number): Promise<void> {
  const { staging, datasets, onProgress } = options
  const reportDone = (done: number) =>
    onProgress({ phase: 'Counting anchor texts', done, total: datasets.length, unit: 'sources' })
  for (const [position, dataset] of datasets.entries()) {
    reportDone(position)
    const rows = anchorsOf(options, dataset, 'hash(target_url) AS key, anchor_tokens AS tokens')
    if (!rows) continue
    const anchors = `SELECT DISTINCT h, key FROM (${phraseHashes('key', rows)})`
    await writePartitions({ staging, parts }, 'anchors', `${position}`, anchors)
  }
  reportDone(datasets.length)
}

/** Selects the visible anchor texts of a dataset. @returns null if it has no links. */
export function anchorsOf(
  options: MergeOptions,
  dataset: IndexedDataset,
  columns: string,
): string | null {
  const rows = rowsOf(options, dataset, 'links')
  if (!rows) return null
  return `
    SELECT DISTINCT ${columns} FROM (${rows}) SEMI JOIN pages USING (page)
    WHERE anchor_tokens <> '' AND kind IN ('text', 'image')`
}

/** @param name unique for the table: a partition's files are named for it. */
async function writePartitions(
  { staging, parts }: { staging: Staging; parts: number },
  table: PartitionedTable,
  name: string,
  rows: string,
): Promise<void> {
  await staging.run(`
    COPY (SELECT *, h % ${parts} AS part FROM (${rows})) TO ${quoted(join(staging.tmpFolder, table))}
    (FORMAT parquet, PARTITION_BY (part), OVERWRITE_OR_IGNORE, FILENAME_PATTERN ${quoted(`${name}-{i}`)})`)
}

/** A table expression for one partition. @returns null if it has no rows. */
export function partitionOf(
  staging: Staging,
  table: PartitionedTable,
  part: number,
): string | null {
  const folder = join(staging.tmpFolder, table, `part=${part}`)
  if (!existsSync(folder)) return null
  return `read_parquet(${quoted(`${folder}/*.parquet`)}, hive_partitioning = false)`
}
