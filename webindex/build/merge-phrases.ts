import { mkdir, rm } from 'node:fs/promises'
import type { Manifest, ParquetFile } from '../manifest.ts'
import { countPhrases } from './count-phrases.ts'
import { allRows } from './merge-links.ts'
import type { MergeOptions } from './merge-options.ts'
import { namePhrases } from './name-phrases.ts'
import { countRows, pagesPerBatch } from './page-batches.ts'
import { partitionAnchors, partitionTexts } from './partition-phrases.ts'
import { phraseHash } from './phrase-sql.ts'

/** A search for a word reads all shards, so more and smaller shards would only cost time. */
const maxShards = 16
/** A part holds about as much as this. Each part has a file for each batch of pages. */
const maxParts = 64
const pagesPerPart = 2 * pagesPerBatch
const linksPerPart = 100_000

/**
 * Counts the phrases of all pages, in steps that keep memory use constant:
 * 1. Find the phrases of each batch of pages and write them to temporary files, partitioned by hash
 *    of the phrase.
 * 2. Add up the counts, one partition at a time, and drop phrases that are on one page only.
 * 3. Look up the texts of the remaining phrases in the pages.
 */
export async function mergePhrases(
  options: MergeOptions,
): Promise<{ shards: ParquetFile[]; counts: Pick<Manifest['counts'], 'phrases' | 'queries'> }> {
  const { staging, datasets } = options
  const links = datasets.reduce((sum, { files }) => sum + (files.links?.rows ?? 0), 0)
  const pages = await countRows(staging, 'pages')
  const parts = Math.min(maxParts, 1 + Math.floor(pages / pagesPerPart + links / linksPerPart))
  await mkdir(staging.tmpFolder, { recursive: true })
  await mergeQueries(options)
  await partitionTexts(options, parts)
  await partitionAnchors(options, parts)
  await countPhrases(options, parts)
  await rm(staging.tmpFolder, { recursive: true, force: true })
  await namePhrases(options)
  await staging.run(`
    CREATE TABLE phrases AS
    SELECT phrase, string_split(phrase, ' ') AS tokens, uses, pages, sites, in_title, in_anchor, iaat, searches, clicks, position
    FROM counted JOIN named USING (h) LEFT JOIN queries USING (h, phrase)
    UNION ALL
    SELECT phrase, tokens, NULL, NULL, NULL, NULL, NULL, NULL, searches, clicks, position FROM queries WHERE h IS NULL`)
  const counts = {
    phrases: await countRows(staging, 'phrases'),
    queries: await countRows(staging, 'queries'),
  }
  return { shards: await writeShards(options), counts }
}

/**
 * Fills `queries` with the sums over all query logs; the average position is weighted by searches.
 * `h` is null for more than four tokens.
 */
async function mergeQueries({ staging, ...from }: MergeOptions): Promise<void> {
  const weight = 'sum(searches) FILTER (position IS NOT NULL)'
  await staging.run(`
    CREATE TABLE queries AS
    SELECT *, ${phraseHash('tokens')} AS h FROM (
      SELECT phrase, string_split(phrase, ' ') AS tokens, sum(searches)::UBIGINT AS searches, sum(clicks)::UBIGINT AS clicks,
        coalesce(sum(position * searches) / nullif(${weight}, 0), avg(position)) AS position
      FROM (${allRows(from, 'queries')}) GROUP BY phrase)`)
}

async function writeShards({
  staging,
  onProgress,
  ...options
}: MergeOptions): Promise<ParquetFile[]> {
  const shards = Math.min(options.shards, maxShards)
  const written: ParquetFile[] = []
  for (let k = 0; k < shards; k++) {
    onProgress({ phase: 'Writing phrases', done: k, total: shards, unit: 'shards' })
    const rows = `
      SELECT unnest(list_distinct(tokens)) AS token, phrase, len(tokens)::UTINYINT AS words,
        uses, pages, sites, in_title, in_anchor, iaat, searches, clicks, position
      FROM phrases WHERE hash(phrase) % ${shards} = ${k} ORDER BY token, phrase`
    written.push(await staging.copy(`phrases-${String(k).padStart(2, '0')}`, rows))
  }
  onProgress({ phase: 'Writing phrases', done: shards, total: shards, unit: 'shards' })
  return written
}
