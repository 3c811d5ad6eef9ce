import { listValue } from '@duckdb/node-api'
import { z } from 'zod'
import { type GenerationFiles, type Part, readFiles, readShards } from './read-shards.ts'

export interface PhraseQuestion {
  /** The words, as phrases are made of them (phrase-tokens.ts). At least one. */
  tokens: readonly string[]
  /** The words next to each other in their order, or all of them anywhere in the phrase. */
  match: 'phrase' | 'all_words'
  /** Phrases on fewer pages are left out; 0 lets those through that only a query log knows. */
  minPages: number
  /** At most so many phrases in all; of what is read in one step, those on most pages first. */
  limit: number
}

const count = z.number().int().nonnegative()

/**
 * What the index counts of a phrase. Counts over pages are null for a query of more than four
 * words: so long a phrase is not counted.
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
  /** These three are null where no query log has the phrase. */
  searches: count.nullable(),
  clicks: count.nullable(),
  position: z.number().nullable(),
})
export type Phrase = z.infer<typeof Phrase>

/**
 * The columns of a `Phrase`; the table has its counts as 64-bit integers, which JavaScript reads as
 * bigints.
 */
export const phraseColumns = `
  phrase, words, uses::DOUBLE AS uses, pages::DOUBLE AS pages, sites::DOUBLE AS sites, in_title::DOUBLE AS "inTitle",
  in_anchor::DOUBLE AS "inAnchor", iaat::DOUBLE AS iaat, searches::DOUBLE AS searches, clicks::DOUBLE AS clicks, position`

/**
 * The token comes first in the order of the file: only its own stretch is read. A phrase is there
 * once for each of its different tokens.
 */
export const withTheWords = `
  SELECT ${phraseColumns} FROM read_parquet($files)
  WHERE token = $token
    AND CASE WHEN $adjacent THEN contains(concat(' ', phrase, ' '), $phrase) ELSE list_has_all(string_split(phrase, ' '), $tokens) END
    AND (coalesce(pages, 0) >= $minPages)
  ORDER BY pages DESC NULLS LAST, searches DESC NULLS LAST, phrase LIMIT $limit`

/**
 * The phrases that hold the words, some shards at a time. Each phrase is in one shard only, so its
 * row is final.
 * @throws {GenerationGone} @throws {NotEnoughMemory}
 */
export async function* phrasesWith(
  files: GenerationFiles,
  { tokens, match, minPages, limit }: PhraseQuestion,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<Part<Phrase>> {
  const values = {
    token: longest(tokens),
    adjacent: match === 'phrase',
    phrase: ` ${tokens.join(' ')} `,
    tokens: listValue([...tokens]),
    minPages,
  }
  let left = limit
  const read = (shards: readonly number[], until: AbortSignal) =>
    readFiles(
      files,
      shards.flatMap((shard) => files.phrases[shard] ?? []),
      { shape: Phrase, sql: withTheWords, values: { ...values, limit: left } },
      until,
    )
  for await (const { shards: _, rows, ...part } of readShards([...files.phrases.keys()], read, {
    signal,
  })) {
    yield { ...part, rows: rows.slice(0, left) }
    left -= Math.min(left, rows.length)
    if (left === 0) return
  }
}

/** The word whose stretch is probably the shortest: long words are rare. */
export function longest(tokens: readonly string[]): string {
  return tokens.reduce((best, token) => (token.length > best.length ? token : best), '')
}
