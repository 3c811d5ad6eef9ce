import { z } from 'zod'
import { rowsOf } from './merge-links.ts'
import type { MergeOptions } from './merge-options.ts'
import type { Staging } from './staging.ts'

/** Pages counted at a time: their phrases fit in memory. */
export const pagesPerBatch = 250

const PageRange = z.object({ first: z.number().int(), last: z.number().int() })
const RowCount = z.object({ rows: z.number().int() })

/** A range of page numbers: from `first` up to, but without, `end`. `name` is unique. */
export interface PageBatch {
  name: string
  first: number
  end: number
}

/**
 * Loads the merged pages with their tokens, batch by batch, into the table `batch`.
 * @param work runs while the batch is loaded
 */
export async function eachPageBatch(
  options: MergeOptions,
  phase: string,
  work: (batch: PageBatch) => Promise<void>,
): Promise<void> {
  const { staging, datasets, onProgress } = options
  const total = await countRows(staging, 'pages')
  let done = 0
  onProgress({ phase, done, total, unit: 'pages' })
  for (const [position, dataset] of datasets.entries()) {
    const rows = rowsOf(options, dataset, 'pages')
    if (!rows) continue
    const [range] = await staging.read(
      PageRange,
      `SELECT min(page)::DOUBLE AS first, max(page)::DOUBLE AS last FROM (${rows})`,
    )
    for (let { first, last } = PageRange.parse(range); first <= last; first += pagesPerBatch) {
      const end = first + pagesPerBatch
      await staging.run(`
        CREATE TABLE batch AS SELECT page, hash(key) AS key, site_number, title_tokens, text_tokens
        FROM (${rows}) SEMI JOIN pages USING (page) JOIN page_sites USING (site)
        WHERE page >= ${first} AND page < ${end}`)
      await work({ name: `${position}-${first}`, first, end })
      done += await countRows(staging, 'batch')
      await staging.run('DROP TABLE batch')
      onProgress({ phase, done, total, unit: 'pages' })
    }
  }
}

export async function countRows(staging: Staging, table: string): Promise<number> {
  const [counted] = await staging.read(RowCount, `SELECT count(*)::DOUBLE AS rows FROM ${table}`)
  return counted?.rows ?? 0
}
