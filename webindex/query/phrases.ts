import { listValue } from '@duckdb/node-api'
import { z } from 'zod'
import { type GenerationFiles, readFiles } from './read-shards.ts'
import { readTop, type TopOfFiles, type TopPart, type Wanted } from './read-top.ts'
import { byCodePoint } from './top-rows.ts'

export interface PhraseQuery {
  /** The words to look for, as tokens (phrase-tokens.ts). At least one. */
  tokens: readonly string[]
  /** `phrase`: the words adjacent and in this order. `all_words`: anywhere in the phrase. */
  match: 'phrase' | 'all_words'
  /** Phrases on fewer pages are left out. 0 includes phrases that only a query log has. */
  minPages: number
  /** Maximum number of phrases: the top ones. */
  limit: number
}

const count = z.number().int().nonnegative()

/**
 * A phrase with its counts; schema.ts defines them. Counts over pages are null for queries of more
 * than four words, which are not counted.
 */
export const Phrase = z.object({
  phrase: z.string(),
  words: count,
  uses: count.nullable(),
  pages: count.nullable(),
  sites: count.nullable(),
  inTitle: count.nullable(),
  inAnchor: count.nullable(),
  iaat: count.nullable(),
  /** This and the next two are null if no query log has the phrase. */
  searches: count.nullable(),
  clicks: count.nullable(),
  position: z.number().nullable(),
})
export type Phrase = z.infer<typeof Phrase>

/**
 * The columns of a `Phrase`. The counts are cast because they are stored as 64-bit integers, which
 * JavaScript would read as bigints.
 */
export const phraseColumns = `
  phrase, words, uses::DOUBLE AS uses, pages::DOUBLE AS pages, sites::DOUBLE AS sites, in_title::DOUBLE AS "inTitle",
  in_anchor::DOUBLE AS "inAnchor", iaat::DOUBLE AS iaat, searches::DOUBLE AS searches, clicks::DOUBLE AS clicks, position`

/** Searches, then sites, then pages, then uses: most first. An unknown number counts as 0. */
export function comparePhrases(a: Phrase, b: Phrase): number {
  return (
    (b.searches ?? 0) - (a.searches ?? 0) ||
    (b.sites ?? 0) - (a.sites ?? 0) ||
    (b.pages ?? 0) - (a.pages ?? 0) ||
    (b.uses ?? 0) - (a.uses ?? 0) ||
    byCodePoint(a.phrase, b.phrase)
  )
}

/** A phrase; or, without `phrase`, the number of all phrases in the files. */
const Counted = Phrase.extend({
  found: count,
  phrase: z.string().nullable(),
  words: count.nullable(),
})

/**
 * Reads only the rows of `$token`, by which files are sorted. Those include each phrase with the
 * token exactly once.
 */
export const phrasesSql = `
  WITH hits AS MATERIALIZED (
    SELECT ${phraseColumns} FROM read_parquet($files)
    WHERE token = $token
      AND CASE WHEN $adjacent THEN contains(concat(' ', phrase, ' '), $phrase) ELSE list_has_all(string_split(phrase, ' '), $tokens) END
      AND coalesce(pages, 0) >= $minPages)
  SELECT count(*)::DOUBLE AS found, NULL::VARCHAR AS phrase FROM hits
  UNION ALL BY NAME (
    SELECT 0 AS found, * FROM hits
    WHERE (coalesce(searches, 0), coalesce(sites, 0), coalesce(pages, 0), coalesce(uses, 0)) >= ($searches, $sites, $pages, $uses)
    ORDER BY coalesce(searches, 0) DESC, coalesce(sites, 0) DESC, coalesce(pages, 0) DESC, coalesce(uses, 0) DESC, phrase LIMIT $limit)`

/**
 * The top phrases with the given words, in order. Each phrase is in one shard only, so its counts
 * are final.
 * @throws {GenerationGone} @throws {NotEnoughMemory}
 */
export function phrasesWith(
  files: GenerationFiles,
  { tokens, match, minPages, limit }: PhraseQuery,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<TopPart<Phrase>> {
  const values = {
    token: longestToken(tokens),
    adjacent: match === 'phrase',
    phrase: ` ${tokens.join(' ')} `,
    tokens: listValue([...tokens]),
    minPages,
  }

  async function read(
    shards: readonly number[],
    { limit: wanted, floor }: Wanted<Phrase>,
    until: AbortSignal,
  ): Promise<TopOfFiles<Phrase>> {
    const { searches, sites, pages, uses } = floor ?? {}
    const bounds = {
      searches: searches ?? 0,
      sites: sites ?? 0,
      pages: pages ?? 0,
      uses: uses ?? 0,
    }
    const { rows, ...result } = await readFiles(
      files,
      shards.flatMap((shard) => files.phrases[shard] ?? []),
      { shape: Counted, sql: phrasesSql, values: { ...values, ...bounds, limit: wanted } },
      until,
    )
    const found = rows.reduce((sum, row) => sum + row.found, 0)
    return { read: { ...result, rows: rows.flatMap(phraseIn) }, found }
  }

  return readTop([...files.phrases.keys()], read, { limit, compare: comparePhrases, signal })
}

function phraseIn(row: z.infer<typeof Counted>): Phrase | [] {
  const { phrase, words } = row
  if (phrase === null || words === null) return []
  return {
    phrase,
    words,
    uses: row.uses,
    pages: row.pages,
    sites: row.sites,
    inTitle: row.inTitle,
    inAnchor: row.inAnchor,
    iaat: row.iaat,
    searches: row.searches,
    clicks: row.clicks,
    position: row.position,
  }
}

/** The token that probably has the fewest rows: long words are rare. */
export function longestToken(tokens: readonly string[]): string {
  return tokens.reduce((best, token) => (token.length > best.length ? token : best), '')
}
