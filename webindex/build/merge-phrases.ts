import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { IndexedSource, Manifest, ParquetFile } from '../manifest.ts'
import { allRows, rowsOf } from './merge-links.ts'
import type { MergeOptions } from './merge-options.ts'
import { phraseHash, phraseHashes, phraseTexts } from './phrase-sql.ts'
import { quoted, type Staging } from './staging.ts'

/** A word is found by looking into all of them, so that many small ones would only cost. */
const mostShards = 16
/** So many pages are counted in one go: their phrases fit in memory. */
const pagesAtOnce = 250
/**
 * What is set aside is added up in parts of about as much, but not in more parts than this: each is
 * a file for each thousand pages.
 */
const mostParts = 64
const linksInPart = 100_000

/** Pages from `first` on. */
const Span = z.object({ first: z.number().int(), last: z.number().int() })
const RowCount = z.object({ rows: z.number().int() })

/**
 * Counts the phrases of all pages in steps, so that memory stays flat. First each stretch of pages
 * for itself, and what it finds is set aside by hash of the phrase; then each part of the hashes is
 * added up, and what is on one page only falls away; then the texts of the rest are looked up in
 * the pages.
 */
export async function mergePhrases(
  options: MergeOptions,
): Promise<{ shards: ParquetFile[]; counts: Pick<Manifest['counts'], 'phrases' | 'queries'> }> {
  const { staging } = options
  const links = options.sources.reduce((sum, { files }) => sum + (files.links?.rows ?? 0), 0)
  const pages = await countOf(staging, 'pages')
  const parts = Math.min(mostParts, 1 + Math.floor(pages / (2 * pagesAtOnce) + links / linksInPart))
  await mkdir(staging.asideFolder, { recursive: true })
  await mergeQueries(options)
  await setAsideTexts(options, parts)
  await setAsideAnchors(options, parts)
  await addUp(options, parts)
  await rm(staging.asideFolder, { recursive: true, force: true })
  await nameAll(options)
  await staging.run(`
    CREATE TABLE phrases AS
    SELECT phrase, string_split(phrase, ' ') AS tokens, uses, pages, sites, in_title, in_anchor, iaat, searches, clicks, position
    FROM counted JOIN named USING (h) LEFT JOIN queries USING (h, phrase)
    UNION ALL
    SELECT phrase, tokens, NULL, NULL, NULL, NULL, NULL, NULL, searches, clicks, position FROM queries WHERE h IS NULL`)
  const counts = {
    phrases: await countOf(staging, 'phrases'),
    queries: await countOf(staging, 'queries'),
  }
  return { shards: await writeShards(options), counts }
}

/**
 * The query logs of all sources, added up; the average position is weighed by searches. `h` is null
 * for more than four tokens.
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

/**
 * What pages hold of each phrase: `texts` has a row for each page with its site, `titles` says
 * which pages, to be compared with anchors.
 */
async function setAsideTexts(options: MergeOptions, parts: number): Promise<void> {
  const { staging } = options
  await staging.run(
    'CREATE TABLE page_sites AS SELECT site, row_number() OVER () AS site_number FROM (SELECT DISTINCT site FROM pages)',
  )
  const tokens = `
    SELECT page, site_number, title_tokens AS tokens, true AS titled FROM stretch UNION ALL SELECT page, site_number, text_tokens, false FROM stretch`
  const texts = `
    SELECT h, page, any_value(site_number) AS site_number, count(*)::UINTEGER AS uses, bool_or(titled) AS titled
    FROM (${phraseHashes('page, site_number, titled', tokens)}) GROUP BY h, page`
  const titles = `SELECT DISTINCT h, key FROM (${phraseHashes('key', 'SELECT key, title_tokens AS tokens FROM stretch')})`
  await eachStretch(options, 'Counting phrases', async (name) => {
    await setAside({ staging, parts }, 'texts', name, texts)
    await setAside({ staging, parts }, 'titles', name, titles)
  })
}

/** Goes through the pages that count, some thousands at a time, as the table `stretch`. */
async function eachStretch(
  options: MergeOptions,
  phase: string,
  work: (name: string, pages: z.output<typeof Span>) => Promise<void>,
): Promise<void> {
  const { staging, sources, onProgress } = options
  const total = await countOf(staging, 'pages')
  let done = 0
  onProgress({ phase, done, total, unit: 'pages' })
  for (const [position, source] of sources.entries()) {
    const rows = rowsOf(options, source, 'pages')
    if (!rows) continue
    const [span] = await staging.read(
      Span,
      `SELECT min(page)::DOUBLE AS first, max(page)::DOUBLE AS last FROM (${rows})`,
    )
    for (let { first, last } = Span.parse(span); first <= last; first += pagesAtOnce) {
      await staging.run(`
        CREATE TABLE stretch AS SELECT page, hash(key) AS key, site_number, title_tokens, text_tokens
        FROM (${rows}) SEMI JOIN pages USING (page) JOIN page_sites USING (site)
        WHERE page >= ${first} AND page < ${first + pagesAtOnce}`)
      await work(`${position}-${first}`, { first, last: first + pagesAtOnce })
      done += await countOf(staging, 'stretch')
      await staging.run('DROP TABLE stretch')
      onProgress({ phase, done, total, unit: 'pages' })
    }
  }
}

/** Which pages are linked to with which phrases. */
async function setAsideAnchors(options: MergeOptions, parts: number): Promise<void> {
  const { staging, sources, onProgress } = options
  const tell = (done: number) =>
    onProgress({ phase: 'Counting anchor texts', done, total: sources.length, unit: 'sources' })
  for (const [position, source] of sources.entries()) {
    tell(position)
    const anchors = anchorsOf(options, source, 'hash(target_url) AS key, anchor_tokens AS tokens')
    if (anchors)
      await setAside(
        { staging, parts },
        'anchors',
        `${position}`,
        `SELECT DISTINCT h, key FROM (${phraseHashes('key', anchors)})`,
      )
  }
  tell(sources.length)
}

/** The texts of links that people see, and where they lead. */
function anchorsOf(options: MergeOptions, source: IndexedSource, columns: string): string | null {
  const rows = rowsOf(options, source, 'links')
  if (!rows) return null
  return `
    SELECT DISTINCT ${columns} FROM (${rows}) SEMI JOIN pages USING (page)
    WHERE anchor_tokens <> '' AND kind IN ('text', 'image')`
}

const aside = {
  texts: 'h UBIGINT, page UBIGINT, site_number BIGINT, uses UINTEGER, titled BOOLEAN',
  titles: 'h UBIGINT, key UBIGINT',
  anchors: 'h UBIGINT, key UBIGINT',
}
type Aside = keyof typeof aside

async function setAside(
  { staging, parts }: { staging: Staging; parts: number },
  what: Aside,
  name: string,
  rows: string,
): Promise<void> {
  await staging.run(`
    COPY (SELECT *, h % ${parts} AS part FROM (${rows})) TO ${quoted(join(staging.asideFolder, what))}
    (FORMAT parquet, PARTITION_BY (part), OVERWRITE_OR_IGNORE, FILENAME_PATTERN ${quoted(`${name}-{i}`)})`)
}

/**
 * Fills `counted`; `page` is the first one with the phrase in title or text. Left out are phrases
 * that are in the text of one page and nowhere else: nine of ten, so they fall away first.
 */
async function addUp({ staging, onProgress }: MergeOptions, parts: number): Promise<void> {
  const columns = ['uses', 'pages', 'sites', 'in_title', 'in_anchor', 'iaat'].map(
    (column) => `${column} UBIGINT`,
  )
  await staging.run(`CREATE TABLE counted (h UBIGINT, page UBIGINT, ${columns.join(', ')})`)
  for (const [what, columns] of Object.entries(aside))
    await staging.run(`CREATE TABLE no_${what} (${columns})`)
  for (let part = 0; part < parts; part++) {
    onProgress({ phase: 'Adding up phrases', done: part, total: parts, unit: 'parts' })
    const of = (what: Aside) => {
      const folder = join(staging.asideFolder, what, `part=${part}`)
      const files = `read_parquet(${quoted(`${folder}/*.parquet`)}, hive_partitioning = false)`
      return existsSync(folder) ? files : `no_${what}`
    }
    // One after the other, so that only one of them at a time needs memory.
    await staging.run(
      `CREATE OR REPLACE TABLE anchors AS SELECT DISTINCT h, key FROM ${of('anchors')}`,
    )
    await staging.run(`
      CREATE OR REPLACE TABLE kept AS
      SELECT h, min(page) AS page, sum(uses) AS uses, sum(pages) AS pages, count(*) FILTER (titled) AS in_title
      FROM (
        SELECT h, page, uses, 1 AS pages, titled, false AS wanted FROM ${of('texts')}
        UNION ALL SELECT DISTINCT h, NULL, 0, 0, false, true FROM anchors
        UNION ALL SELECT h, NULL, 0, 0, false, true FROM queries WHERE h % ${parts} = ${part})
      GROUP BY h HAVING sum(pages) >= 2 OR bool_or(titled) OR bool_or(wanted)`)
    await staging.run(`
      CREATE OR REPLACE TABLE on_sites AS
      SELECT h, count(*) AS sites FROM (SELECT DISTINCT h, site_number FROM ${of('texts')} SEMI JOIN kept USING (h)) GROUP BY h`)
    await staging.run(`
      CREATE OR REPLACE TABLE linked AS
      SELECT h, sum(in_anchor) AS in_anchor, sum(iaat) AS iaat
      FROM (
        SELECT h, 1 AS in_anchor, 0 AS iaat FROM anchors UNION ALL SELECT h, 0, 1 FROM ${of('titles')} SEMI JOIN anchors USING (h, key))
      GROUP BY h`)
    await staging.run(`
      INSERT INTO counted SELECT h, page, uses, pages, coalesce(sites, 0), in_title, coalesce(in_anchor, 0), coalesce(iaat, 0)
      FROM kept LEFT JOIN on_sites USING (h) LEFT JOIN linked USING (h)`)
  }
  onProgress({ phase: 'Adding up phrases', done: parts, total: parts, unit: 'parts' })
}

/**
 * Fills `named` with the text of each phrase that is kept: of queries, of pages where it is met
 * first, and of anchors where no page has it.
 */
async function nameAll(options: MergeOptions): Promise<void> {
  const { staging, sources } = options
  await staging.run('CREATE TABLE named AS SELECT h, phrase FROM queries WHERE h IS NOT NULL')
  const wanted = (where: string) =>
    staging.run(
      `CREATE OR REPLACE TABLE wanted AS SELECT h FROM counted ANTI JOIN queries USING (h) WHERE ${where}`,
    )
  await eachStretch(options, 'Naming phrases', async (_, { first, last }) => {
    await wanted(`page >= ${first} AND page < ${last}`)
    const texts =
      'SELECT title_tokens AS tokens FROM stretch UNION ALL SELECT text_tokens FROM stretch'
    await staging.run(`INSERT INTO named ${phraseTexts(texts, 'wanted')}`)
  })
  await wanted('page IS NULL')
  for (const source of sources) {
    const anchors = anchorsOf(options, source, 'anchor_tokens AS tokens')
    if (!anchors) continue
    await staging.run(`CREATE OR REPLACE TABLE anchor_texts AS ${anchors}`)
    const texts = await countOf(staging, 'anchor_texts')
    for (let first = 0; first < texts; first += linksInPart) {
      const some = `SELECT tokens FROM anchor_texts WHERE rowid >= ${first} AND rowid < ${first + linksInPart}`
      await staging.run(`CREATE OR REPLACE TABLE met AS ${phraseTexts(some, 'wanted')}`)
      await staging.run('INSERT INTO named FROM met')
      await staging.run('CREATE OR REPLACE TABLE wanted AS FROM wanted ANTI JOIN met USING (h)')
    }
  }
}

async function writeShards({
  staging,
  onProgress,
  ...options
}: MergeOptions): Promise<ParquetFile[]> {
  const shards = Math.min(options.shards, mostShards)
  const counts = ['uses', 'pages', 'sites', 'in_title', 'in_anchor', 'iaat'].join(', ')
  const written: ParquetFile[] = []
  for (let k = 0; k < shards; k++) {
    onProgress({ phase: 'Writing phrases', done: k, total: shards, unit: 'shards' })
    const rows = `
      SELECT unnest(list_distinct(tokens)) AS token, phrase, len(tokens)::UTINYINT AS words, ${counts}, searches, clicks, position
      FROM phrases WHERE hash(phrase) % ${shards} = ${k} ORDER BY token, phrase`
    written.push(await staging.copy(`phrases-${String(k).padStart(2, '0')}`, rows))
  }
  onProgress({ phase: 'Writing phrases', done: shards, total: shards, unit: 'shards' })
  return written
}

async function countOf(staging: Staging, table: string): Promise<number> {
  const [counted] = await staging.read(RowCount, `SELECT count(*)::DOUBLE AS rows FROM ${table}`)
  return counted?.rows ?? 0
}
