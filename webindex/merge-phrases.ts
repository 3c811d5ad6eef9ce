import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Draft, quoted } from './draft.ts'
import type { Manifest, Shard } from './manifest.ts'
import { allRows, rowsOf } from './merge-links.ts'
import type { MergeOptions } from './merge-sources.ts'

/** Words are found by reading all of these at once, so many small ones would only cost. */
const mostShards = 16
/** So many pages are counted in one go: their phrases fit in memory. */
const pagesAtOnce = 2_000

const Span = z.object({ first: z.number().int(), last: z.number().int() })
const RowCount = z.object({ rows: z.number().int() })
const PhraseCount = z.object({ phrases: z.number().int(), queries: z.number().int() })

/**
 * Counts the phrases of all pages in two steps, so that memory stays flat: first each stretch of pages for itself, what it finds set aside by hash of the
 * phrase; then, for each shard, what all stretches found of its phrases.
 */
export async function mergePhrases(
  options: MergeOptions,
): Promise<{ shards: Shard[]; counts: Pick<Manifest['counts'], 'phrases' | 'queries'> }> {
  const { draft, onProgress } = options
  const shards = Math.min(options.shards, mostShards)
  await mkdir(draft.asideFolder, { recursive: true })
  await setAsideTexts(options, shards)
  await setAsideAnchors(options, shards)
  await draft.run(`
    CREATE TABLE queries AS
    SELECT phrase, sum(searches)::UBIGINT AS searches, sum(clicks)::UBIGINT AS clicks,
      coalesce(sum(position * searches) FILTER (position IS NOT NULL) / nullif(sum(searches) FILTER (position IS NOT NULL), 0), avg(position)) AS position
    FROM (${allRows(options, 'queries')}) GROUP BY phrase`)

  const counts = { phrases: 0, queries: 0 }
  const written: Shard[] = []
  for (let k = 0; k < shards; k++) {
    onProgress({ phase: 'Writing phrases', done: k, total: shards, unit: 'shards' })
    await draft.run(`CREATE TABLE counted AS ${countedPhrases(draft.asideFolder, k, shards)}`)
    const [counted] = await draft.read(
      PhraseCount,
      'SELECT count(*)::DOUBLE AS phrases, count(searches)::DOUBLE AS queries FROM counted',
    )
    counts.phrases += counted?.phrases ?? 0
    counts.queries += counted?.queries ?? 0
    written.push(await draft.copy(`phrases-${String(k).padStart(2, '0')}`, phraseRows))
    await draft.run('DROP TABLE counted')
  }
  onProgress({ phase: 'Writing phrases', done: shards, total: shards, unit: 'shards' })
  await rm(draft.asideFolder, { recursive: true, force: true })
  return { shards: written, counts }
}

/** What pages hold of each phrase: `texts` counts by site, for a site's pages may be in several stretches; `titles` names the pages. */
async function setAsideTexts(options: MergeOptions, shards: number): Promise<void> {
  const { draft, sources, onProgress } = options
  await draft.run(
    'CREATE TABLE page_sites AS SELECT site, row_number() OVER () AS site_number FROM (SELECT DISTINCT site FROM pages)',
  )
  const total = await countOf(draft, 'pages')
  let done = 0
  onProgress({ phase: 'Counting phrases', done, total, unit: 'pages' })
  for (const [position, source] of sources.entries()) {
    const rows = rowsOf(options, source, 'pages')
    if (!rows) continue
    const [span] = await draft.read(Span, `SELECT min(page)::DOUBLE AS first, max(page)::DOUBLE AS last FROM (${rows})`)
    for (let { first, last } = Span.parse(span); first <= last; first += pagesAtOnce) {
      await draft.run(`
        CREATE TABLE stretch AS SELECT page, hash(key) AS key, site_number, title_tokens, text_tokens
        FROM (${rows}) SEMI JOIN pages USING (page) JOIN page_sites USING (site)
        WHERE page >= ${first} AND page < ${first + pagesAtOnce}`)
      await setAside(options, { what: 'texts', name: `${position}-${first}`, shards }, textPhrases)
      await setAside(options, { what: 'titles', name: `${position}-${first}`, shards }, titlePhrases)
      done += await countOf(draft, 'stretch')
      await draft.run('DROP TABLE stretch')
      onProgress({ phase: 'Counting phrases', done, total, unit: 'pages' })
    }
  }
}

async function countOf(draft: Draft, table: string): Promise<number> {
  const [counted] = await draft.read(RowCount, `SELECT count(*)::DOUBLE AS rows FROM ${table}`)
  return counted?.rows ?? 0
}

/** Which pages are linked to with which phrases. */
async function setAsideAnchors(options: MergeOptions, shards: number): Promise<void> {
  const { sources, onProgress } = options
  for (const [position, source] of sources.entries()) {
    onProgress({ phase: 'Counting anchor texts', done: position, total: sources.length, unit: 'sources' })
    const rows = rowsOf(options, source, 'links')
    if (!rows) continue
    const anchors = `
      SELECT DISTINCT hash(target_url) AS key, anchor_tokens AS tokens FROM (${rows}) SEMI JOIN pages USING (page)
      WHERE anchor_tokens <> '' AND kind IN ('text', 'image')`
    const phrases = `SELECT DISTINCT phrase, key FROM (${phrasesOf('key', anchors)})`
    await setAside(options, { what: 'anchors', name: `${position}`, shards }, phrases)
  }
  onProgress({ phase: 'Counting anchor texts', done: sources.length, total: sources.length, unit: 'sources' })
}

/** All runs of one to four tokens within a stretch of `tokens`, a row for each time that they occur. @param columns what each keeps of its row. */
function phrasesOf(columns: string, rows: string): string {
  return `
    SELECT ${columns}, phrase FROM (
      SELECT ${columns}, unnest([g[1], g[1] || ' ' || g[2], g[1] || ' ' || g[2] || ' ' || g[3], g[1] || ' ' || g[2] || ' ' || g[3] || ' ' || g[4]]) AS phrase
      FROM (SELECT ${columns}, unnest(list_zip(t, t[2:], t[3:], t[4:])) AS g FROM (
        SELECT ${columns}, string_split(unnest(string_split(tokens, chr(10))), ' ') AS t FROM (${rows}))))
    WHERE phrase IS NOT NULL`
}

const textPhrases = `
  SELECT phrase, site_number, sum(uses) AS uses, count(*) AS pages, count(*) FILTER (in_title) AS in_title FROM (
    SELECT phrase, page, any_value(site_number) AS site_number, count(*) AS uses, bool_or(in_title) AS in_title FROM (
      ${phrasesOf(
        'page, site_number, in_title',
        `SELECT page, site_number, title_tokens AS tokens, true AS in_title FROM stretch WHERE title_tokens <> ''
         UNION ALL SELECT page, site_number, text_tokens, false FROM stretch WHERE text_tokens <> ''`,
      )}) GROUP BY phrase, page)
  GROUP BY phrase, site_number`

const titlePhrases = `
  SELECT DISTINCT phrase, key FROM (${phrasesOf('key', "SELECT key, title_tokens AS tokens FROM stretch WHERE title_tokens <> ''")})`

type Aside = 'texts' | 'titles' | 'anchors'

async function setAside(
  { draft }: MergeOptions,
  { what, name, shards }: { what: Aside; name: string; shards: number },
  rows: string,
): Promise<void> {
  await draft.run(`
    COPY (SELECT *, hash(phrase) % ${shards} AS shard FROM (${rows})) TO ${quoted(join(draft.asideFolder, what))}
    (FORMAT parquet, PARTITION_BY (shard), OVERWRITE_OR_IGNORE, FILENAME_PATTERN ${quoted(`${name}-{i}`)})`)
}

const emptyAside: Record<Aside, string> = {
  texts: 'SELECT NULL::VARCHAR AS phrase, 0 AS site_number, 0 AS uses, 0 AS pages, 0 AS in_title WHERE false',
  titles: 'SELECT NULL::VARCHAR AS phrase, 0::UBIGINT AS key WHERE false',
  anchors: 'SELECT NULL::VARCHAR AS phrase, 0::UBIGINT AS key WHERE false',
}

/** Everything known of the phrases of one shard; those are left out that are in the text of one page and nowhere else. */
function countedPhrases(asideFolder: string, shard: number, shards: number): string {
  const aside = (what: Aside) => {
    const folder = join(asideFolder, what, `shard=${shard}`)
    return existsSync(folder)
      ? `SELECT * FROM read_parquet(${quoted(`${folder}/*.parquet`)}, hive_partitioning = false)`
      : emptyAside[what]
  }
  return `
    WITH anchors AS MATERIALIZED (SELECT DISTINCT phrase, key FROM (${aside('anchors')})),
    by_site AS (
      SELECT phrase, site_number, sum(uses) AS uses, sum(pages) AS pages, sum(in_title) AS in_title FROM (${aside('texts')}) GROUP BY phrase, site_number),
    parts AS (
      SELECT phrase, sum(uses) AS uses, sum(pages) AS pages, count(*) AS sites, sum(in_title) AS in_title, 0 AS in_anchor, 0 AS iaat,
        NULL::UBIGINT AS searches, NULL::UBIGINT AS clicks, NULL::DOUBLE AS position
      FROM by_site GROUP BY phrase
      UNION ALL SELECT phrase, 0, 0, 0, 0, count(*), 0, NULL, NULL, NULL FROM anchors GROUP BY phrase
      UNION ALL SELECT phrase, 0, 0, 0, 0, 0, count(*), NULL, NULL, NULL FROM (${aside('titles')}) SEMI JOIN anchors USING (phrase, key) GROUP BY phrase
      UNION ALL SELECT phrase, 0, 0, 0, 0, 0, 0, searches, clicks, position FROM queries WHERE hash(phrase) % ${shards} = ${shard})
    SELECT phrase, string_split(phrase, ' ') AS tokens, sum(uses) AS uses, sum(pages) AS pages, sum(sites) AS sites, sum(in_title) AS in_title,
      sum(in_anchor) AS in_anchor, sum(iaat) AS iaat, max(searches) AS searches, max(clicks) AS clicks, max(position) AS position
    FROM parts GROUP BY phrase
    HAVING sum(pages) >= 2 OR sum(in_title) > 0 OR sum(in_anchor) > 0 OR max(searches) IS NOT NULL`
}

const ifCounted = (column: string) => `CASE WHEN len(tokens) <= 4 THEN ${column}::UBIGINT END AS ${column}`
const phraseRows = `
  SELECT unnest(list_distinct(tokens)) AS token, phrase, len(tokens)::UTINYINT AS words,
    ${['uses', 'pages', 'sites', 'in_title', 'in_anchor', 'iaat'].map(ifCounted).join(', ')}, searches, clicks, position
  FROM counted ORDER BY token, phrase`
