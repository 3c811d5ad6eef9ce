import { listValue } from '@duckdb/node-api'
import { z } from 'zod'
import { BrokenIndex } from '../errors.ts'
import { longestToken, Phrase, phraseColumns } from './phrases.ts'
import { type GenerationFiles, type Part, readFiles, readShards } from './read-shards.ts'

/**
 * The result for one phrase: `absent` if the index does not have it, `unreadable` if the file that
 * would have it could not be read.
 */
export type PhraseLookup = { phrase: string; found: Phrase | 'absent' | 'unreadable' }

const ShardNumber = z.object({ shard: z.number().int().nonnegative() })
/** The shard of each phrase, in order. The build assigns phrases to shards by the same function. */
const shardsOfPhrases =
  'SELECT (hash(phrase) % $shards)::INTEGER AS shard FROM (SELECT unnest($phrases) AS phrase, generate_subscripts($phrases, 1) AS place) ORDER BY place'

const shardOfFirstRow =
  'SELECT (hash(phrase) % $shards)::INTEGER AS shard FROM read_parquet($files) LIMIT 1'

/**
 * Finds each phrase by one of its tokens. The join passes the tokens to the scan, which skips row
 * groups without any of them.
 */
export const lookUpSql = `
  WITH wanted AS (SELECT unnest($tokens) AS token, unnest($phrases) AS phrase)
  SELECT ${phraseColumns}, iaat::DOUBLE AS iaat FROM read_parquet($files) JOIN wanted USING (token, phrase)`

/**
 * Phrases in the first batch, and how much larger each next batch is. The first is small, so that
 * rows come at once; later ones are large, because each batch reads all files again.
 */
const [firstBatch, growth] = [200, 10]

/**
 * Looks phrases up and returns them in order. A part's `done` is the number looked up so far.
 * @param phrases distinct results of `phraseOf`
 * @throws {BrokenIndex}
 * @throws {GenerationGone}
 * @throws {NotEnoughMemory}
 */
export async function* lookUpPhrases(
  files: GenerationFiles,
  phrases: readonly string[],
  { signal }: { signal: AbortSignal },
): AsyncGenerator<Part<PhraseLookup>> {
  await checkHash(files, signal)
  for (let from = 0, to = firstBatch; from < phrases.length; ) {
    for await (const part of lookUpBatch(files, phrases.slice(from, to), signal))
      yield { ...part, done: from + part.done }
    from = to
    to *= growth
  }
}

async function* lookUpBatch(
  files: GenerationFiles,
  phrases: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Part<PhraseLookup>> {
  const shardOf = await assignShards(files, phrases, signal)
  const byShard = groupByShard(phrases, shardOf)
  const read = (shards: readonly number[], until: AbortSignal) => {
    const wanted = shards.flatMap((shard) => byShard.get(shard) ?? [])
    const tokens = wanted.map((phrase) => longestToken(phrase.split(' ')))
    const values = { tokens: listValue(tokens), phrases: listValue(wanted) }
    return readFiles(
      files,
      shards.flatMap((shard) => files.phrases[shard] ?? []),
      { shape: Phrase, sql: lookUpSql, values },
      until,
    )
  }
  const found = new Map<string, Phrase | 'unreadable'>()
  const finished = new Set<number>()
  let [done, yielded] = [0, 0]
  // Singly, so that each file is searched for its own phrases only.
  const shards = [...byShard.keys()].sort((a, b) => a - b)
  const parts = readShards(shards, read, { signal, singly: true })
  for await (const { shards, rows, read, broken } of parts) {
    for (const row of rows) found.set(row.phrase, row)
    for (const shard of shards) {
      const own = byShard.get(shard) ?? []
      if (broken.length > 0) for (const phrase of own) found.set(phrase, 'unreadable')
      finished.add(shard)
      done += own.length
    }
    const ready: PhraseLookup[] = []
    for (; yielded < phrases.length && finished.has(shardOf[yielded] ?? 0); yielded++) {
      const phrase = phrases[yielded] ?? ''
      ready.push({ phrase, found: found.get(phrase) ?? 'absent' })
    }
    yield { rows: ready, read, broken, done }
  }
}

/** @returns the shard of each phrase, in their order. */
async function assignShards(
  files: GenerationFiles,
  phrases: readonly string[],
  signal: AbortSignal,
): Promise<number[]> {
  const values = { phrases: listValue([...phrases]), shards: files.phrases.length }
  const rows = await files.queries.rows(ShardNumber, shardsOfPhrases, values, signal)
  return rows.map(({ shard }) => shard)
}

function groupByShard(
  phrases: readonly string[],
  shardOf: readonly number[],
): Map<number, string[]> {
  const groups = new Map<number, string[]>()
  for (const [at, phrase] of phrases.entries()) {
    const shard = shardOf[at] ?? 0
    const group = groups.get(shard)
    if (group) group.push(phrase)
    else groups.set(shard, [phrase])
  }
  return groups
}

/**
 * Checks that phrases are in the shards that this version of DuckDB computes. Another version may
 * hash differently; then every phrase would be looked up in the wrong file and be absent.
 * @throws {BrokenIndex}
 */
async function checkHash(files: GenerationFiles, signal: AbortSignal): Promise<void> {
  for (const [shard, file] of files.phrases.entries()) {
    const values = { shards: files.phrases.length }
    const { rows } = await readFiles(
      files,
      [file],
      { shape: ShardNumber, sql: shardOfFirstRow, values },
      signal,
    )
    const [first] = rows
    if (first?.shard === shard) return
    if (first)
      throw new BrokenIndex(
        files.dir,
        'its phrases are not where this version of DuckDB looks for them',
        { remedy: 'Rewrite its files with: npm run index -- compact' },
      )
  }
}
