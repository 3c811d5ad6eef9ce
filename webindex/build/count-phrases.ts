import type { MergeOptions } from './merge-options.ts'
import { partitionedTables, partitionOf } from './partition-phrases.ts'
import type { Staging } from './staging.ts'

const counts = ['uses', 'pages', 'sites', 'in_title', 'in_anchor', 'iaat']

/**
 * Fills `counted` from the partitions, one at a time. `page` is the first page with the phrase in
 * title or text. Leaves out phrases that occur only in the text of a single page: nine of ten, so
 * they are dropped first.
 */
export async function countPhrases(
  { staging, onProgress }: MergeOptions,
  parts: number,
): Promise<void> {
  const columns = counts.map((column) => `${column} UBIGINT`)
  await staging.run(`CREATE TABLE counted (h UBIGINT, page UBIGINT, ${columns.join(', ')})`)
  for (const [table, columns] of Object.entries(partitionedTables))
    await staging.run(`CREATE TABLE no_${table} (${columns})`)
  for (let part = 0; part < parts; part++) {
    onProgress({ phase: 'Adding up phrases', done: part, total: parts, unit: 'parts' })
    await countPart(staging, part, parts)
  }
  onProgress({ phase: 'Adding up phrases', done: parts, total: parts, unit: 'parts' })
}

/** One statement for each step, so that only one step at a time needs memory. */
async function countPart(staging: Staging, part: number, parts: number): Promise<void> {
  const rowsIn = (table: keyof typeof partitionedTables) =>
    partitionOf(staging, table, part) ?? `no_${table}`
  await staging.run(
    `CREATE OR REPLACE TABLE anchors AS SELECT DISTINCT h, key FROM ${rowsIn('anchors')}`,
  )
  await staging.run(`
    CREATE OR REPLACE TABLE kept AS
    SELECT h, min(page) AS page, sum(uses) AS uses, sum(pages) AS pages, count(*) FILTER (titled) AS in_title
    FROM (
      SELECT h, page, uses, 1 AS pages, titled, false AS wanted FROM ${rowsIn('texts')}
      UNION ALL SELECT DISTINCT h, NULL, 0, 0, false, true FROM anchors
      UNION ALL SELECT h, NULL, 0, 0, false, true FROM queries WHERE h % ${parts} = ${part})
    GROUP BY h HAVING sum(pages) >= 2 OR bool_or(titled) OR bool_or(wanted)`)
  await staging.run(`
    CREATE OR REPLACE TABLE on_sites AS
    SELECT h, count(*) AS sites FROM (SELECT DISTINCT h, site_number FROM ${rowsIn('texts')} SEMI JOIN kept USING (h)) GROUP BY h`)
  await staging.run(`
    CREATE OR REPLACE TABLE linked AS
    SELECT h, sum(in_anchor) AS in_anchor, sum(iaat) AS iaat
    FROM (
      SELECT h, 1 AS in_anchor, 0 AS iaat FROM anchors UNION ALL SELECT h, 0, 1 FROM ${rowsIn('titles')} SEMI JOIN anchors USING (h, key))
    GROUP BY h`)
  await staging.run(`
    INSERT INTO counted SELECT h, page, uses, pages, coalesce(sites, 0), in_title, coalesce(in_anchor, 0), coalesce(iaat, 0)
    FROM kept LEFT JOIN on_sites USING (h) LEFT JOIN linked USING (h)`)
}
