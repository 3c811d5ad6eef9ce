import type { MergeOptions } from './merge-options.ts'
import { countRows, eachPageBatch } from './page-batches.ts'
import { anchorsOf } from './partition-phrases.ts'
import { phraseTexts } from './phrase-sql.ts'

const anchorsPerBatch = 100_000

/**
 * Fills `named` with the text of each counted phrase: from the queries, from the first page that
 * has it, or from an anchor text if no page has it.
 */
export async function namePhrases(options: MergeOptions): Promise<void> {
  const { staging } = options
  await staging.run('CREATE TABLE named AS SELECT h, phrase FROM queries WHERE h IS NOT NULL')
  await eachPageBatch(options, 'Naming phrases', async ({ first, end }) => {
    await setWanted(options, `page >= ${first} AND page < ${end}`)
    const texts = 'SELECT title_tokens AS tokens FROM batch UNION ALL SELECT text_tokens FROM batch'
    await staging.run(`INSERT INTO named ${phraseTexts(texts, 'wanted')}`)
  })
  await nameFromAnchors(options)
}

async function nameFromAnchors(options: MergeOptions): Promise<void> {
  const { staging, datasets } = options
  await setWanted(options, 'page IS NULL')
  for (const dataset of datasets) {
    const anchors = anchorsOf(options, dataset, 'anchor_tokens AS tokens')
    if (!anchors) continue
    await staging.run(`CREATE OR REPLACE TABLE anchor_texts AS ${anchors}`)
    const total = await countRows(staging, 'anchor_texts')
    for (let first = 0; first < total; first += anchorsPerBatch) {
      const batch = `SELECT tokens FROM anchor_texts WHERE rowid >= ${first} AND rowid < ${first + anchorsPerBatch}`
      await staging.run(`CREATE OR REPLACE TABLE found AS ${phraseTexts(batch, 'wanted')}`)
      await staging.run('INSERT INTO named FROM found')
      await staging.run('CREATE OR REPLACE TABLE wanted AS FROM wanted ANTI JOIN found USING (h)')
    }
  }
}

/** Fills `wanted` with the hashes of counted phrases that are not queries. */
async function setWanted({ staging }: MergeOptions, where: string): Promise<void> {
  await staging.run(
    `CREATE OR REPLACE TABLE wanted AS SELECT h FROM counted ANTI JOIN queries USING (h) WHERE ${where}`,
  )
}
