import { type DuckDBValue, listValue } from '@duckdb/node-api'
import { z } from 'zod'
import {
  filterValues,
  isFragment,
  isWantedQuestion,
  type PhraseFilter,
  variantKey,
} from './phrase-filter.ts'
import { comparePhrases, longestToken, Phrase, phraseColumns } from './phrases.ts'
import { type FilesRead, type GenerationFiles, readFiles, readShards } from './read-shards.ts'
import { readTop, type TopOfFiles, type TopPart, type Wanted } from './read-top.ts'

export interface PhraseQuery {
  /** The words to look for, as tokens (phrase-tokens.ts). At least one. */
  tokens: readonly string[]
  /** `phrase`: the words adjacent and in this order. `all_words`: anywhere in the phrase. */
  match: 'phrase' | 'all_words'
  /** Phrases on fewer pages are left out. 0 includes phrases that only a query log has. */
  minPages: number
  filter: PhraseFilter
  /** Maximum number of phrases: the top ones. */
  limit: number
}

export interface FoundPhrase extends Omit<Phrase, 'iaat'> {
  /** Number of phrases with the same `key`, this one included; null unless they were folded. */
  variants: number | null
  /** The phrase itself, or what it has in common with its variants. */
  key: string
}

const count = z.number().int().nonnegative()

/** A phrase; or, without `phrase`, the number of phrases in the files and of fragments left out. */
const Counted = Phrase.omit({ iaat: true }).extend({
  found: count,
  leftOut: count,
  phrase: z.string().nullable(),
  words: count.nullable(),
  key: z.string().nullish(),
})
type Counted = z.infer<typeof Counted>

/**
 * Reads only the rows of `$token`, by which files are sorted. Those include each phrase with the
 * token exactly once.
 */
const hits = (fold: boolean) => `
  hits AS MATERIALIZED (
    SELECT ${phraseColumns} FROM read_parquet($files)
    WHERE token = $token
      AND CASE WHEN $adjacent THEN contains(concat(' ', phrase, ' '), $phrase) ELSE list_has_all(string_split(phrase, ' '), $tokens) END
      AND coalesce(pages, 0) >= $minPages AND ${isWantedQuestion}),
  kept AS MATERIALIZED (SELECT *${fold ? `, ${variantKey} AS key` : ''} FROM hits WHERE NOT ${isFragment})`

const order =
  'coalesce(searches, 0) DESC, coalesce(sites, 0) DESC, coalesce(pages, 0) DESC, coalesce(uses, 0) DESC, phrase'

/** The first `$limit` phrases that are not below the given one; of variants, only the first. */
export const phrasesSql = (fold: boolean) => `
  WITH ${hits(fold)}
  SELECT count(*)::DOUBLE AS found, ((SELECT count(*) FROM hits) - count(*))::DOUBLE AS "leftOut", NULL::VARCHAR AS phrase FROM kept
  UNION ALL BY NAME (
    SELECT 0 AS found, 0 AS "leftOut", * FROM kept
    WHERE (coalesce(searches, 0), coalesce(sites, 0), coalesce(pages, 0), coalesce(uses, 0)) >= ($searches, $sites, $pages, $uses)
    ${fold ? `QUALIFY row_number() OVER (PARTITION BY key ORDER BY ${order}) = 1` : ''}
    ORDER BY ${order} LIMIT $limit)`

const Variants = z.object({ key: z.string(), variants: count })

const variantsSql = `
  WITH ${hits(true)}
  SELECT key, count(*)::DOUBLE AS variants FROM kept WHERE key IN (SELECT unnest($keys)) GROUP BY key`

/**
 * The top phrases with the given words, in order. Each phrase is in one shard only, so its counts
 * are final; its variants may be in others.
 * @throws {GenerationGone} @throws {NotEnoughMemory}
 */
export async function* phrasesWith(
  files: GenerationFiles,
  query: PhraseQuery,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<TopPart<FoundPhrase>> {
  const { tokens, match, minPages, filter, limit } = query
  const values = {
    token: longestToken(tokens),
    adjacent: match === 'phrase',
    phrase: ` ${tokens.join(' ')} `,
    tokens: listValue([...tokens]),
    minPages,
    ...filterValues(filter, tokens),
  }
  const sql = phrasesSql(filter.fold)

  async function read(
    shards: readonly number[],
    { limit: wanted, floor }: Wanted<FoundPhrase>,
    until: AbortSignal,
  ): Promise<TopOfFiles<FoundPhrase>> {
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
      { shape: Counted, sql, values: { ...values, ...bounds, limit: wanted } },
      until,
    )
    const sum = (key: 'found' | 'leftOut') => rows.reduce((total, row) => total + row[key], 0)
    return {
      read: { ...result, rows: rows.flatMap(phraseIn) },
      found: sum('found'),
      leftOut: sum('leftOut'),
    }
  }

  const shards = [...files.phrases.keys()]
  const options = { limit, compare: comparePhrases, keyOf, signal }
  for await (const part of readTop(shards, read, options)) {
    if (!filter.fold || part.rows.length === 0) yield part
    else yield { ...part, rows: await withVariants(files, part.rows, values, signal) }
  }
}

const keyOf = ({ key }: FoundPhrase) => key

/** Counts the variants of these phrases, in all shards. */
async function withVariants(
  files: GenerationFiles,
  phrases: readonly FoundPhrase[],
  values: Record<string, DuckDBValue>,
  signal: AbortSignal,
): Promise<FoundPhrase[]> {
  const keys = listValue(phrases.map(({ key }) => key))
  const read = (
    shards: readonly number[],
    until: AbortSignal,
  ): Promise<FilesRead<z.infer<typeof Variants>>> =>
    readFiles(
      files,
      shards.flatMap((shard) => files.phrases[shard] ?? []),
      { shape: Variants, sql: variantsSql, values: { ...values, keys } },
      until,
    )
  const variants = new Map<string, number>()
  for await (const { rows } of readShards([...files.phrases.keys()], read, { signal }))
    for (const row of rows) variants.set(row.key, (variants.get(row.key) ?? 0) + row.variants)
  return phrases.map((phrase) => ({ ...phrase, variants: variants.get(phrase.key) ?? 1 }))
}

function phraseIn(row: Counted): FoundPhrase | [] {
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
    searches: row.searches,
    clicks: row.clicks,
    position: row.position,
    variants: null,
    key: row.key ?? phrase,
  }
}
