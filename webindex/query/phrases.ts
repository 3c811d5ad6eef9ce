import { listValue } from '@duckdb/node-api'
import { z } from 'zod'
import { type GenerationFiles, type Part, readFiles, readShards } from './read-shards.ts'

export interface PhraseQuery {
  /** The words to look for, as tokens (phrase-tokens.ts). At least one. */
  tokens: readonly string[]
  /** `phrase`: the words adjacent and in this order. `all_words`: anywhere in the phrase. */
  match: 'phrase' | 'all_words'
  /** Phrases on fewer pages are left out. 0 includes phrases that only a query log has. */
  minPages: number
  /** Maximum number of phrases in all. Each step prefers the phrases on the most pages. */
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

/**
 * Reads only the rows of `$token`, by which files are sorted. Those include each phrase with the
 * token exactly once.
 */
export const phrasesSql = `
  SELECT ${phraseColumns} FROM read_parquet($files)
  WHERE token = $token
    AND CASE WHEN $adjacent THEN contains(concat(' ', phrase, ' '), $phrase) ELSE list_has_all(string_split(phrase, ' '), $tokens) END
    AND (coalesce(pages, 0) >= $minPages)
  ORDER BY pages DESC NULLS LAST, searches DESC NULLS LAST, phrase LIMIT $limit`

/**
 * The phrases with the given words, a few shards at a time. Each phrase is in one shard only, so
 * its row is final.
 * @throws {GenerationGone} @throws {NotEnoughMemory}
 */
export async function* phrasesWith(
  files: GenerationFiles,
  { tokens, match, minPages, limit }: PhraseQuery,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<Part<Phrase>> {
  const values = {
    token: longestToken(tokens),
    adjacent: match === 'phrase',
    phrase: ` ${tokens.join(' ')} `,
    tokens: listValue([...tokens]),
    minPages,
  }
  let remaining = limit
  const read = (shards: readonly number[], until: AbortSignal) =>
    readFiles(
      files,
      shards.flatMap((shard) => files.phrases[shard] ?? []),
      { shape: Phrase, sql: phrasesSql, values: { ...values, limit: remaining } },
      until,
    )
  for await (const { shards: _, rows, ...part } of readShards([...files.phrases.keys()], read, {
    signal,
  })) {
    yield { ...part, rows: rows.slice(0, remaining) }
    remaining -= Math.min(remaining, rows.length)
    if (remaining === 0) return
  }
}

/** The token that probably has the fewest rows: long words are rare. */
export function longestToken(tokens: readonly string[]): string {
  return tokens.reduce((best, token) => (token.length > best.length ? token : best), '')
}
