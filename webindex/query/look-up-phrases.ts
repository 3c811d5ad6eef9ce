import { listValue } from '@duckdb/node-api'
import { z } from 'zod'
import { BrokenIndex } from '../errors.ts'
import { longest, Phrase, phraseColumns } from './phrases.ts'
import { type GenerationFiles, type Part, readFiles, readShards } from './read-shards.ts'

/**
 * What the index says of one keyword: `absent` when it has no such phrase, `unreadable` when the
 * file that would tell is broken.
 */
export type KeywordReading = { phrase: string; found: Phrase | 'absent' | 'unreadable' }

const Home = z.object({ shard: z.number().int().nonnegative() })
/** A phrase lies in the shard that its hash tells; the build splits them by the same function. */
const homes =
  'SELECT (hash(phrase) % $shards)::INTEGER AS shard FROM (SELECT unnest($phrases) AS phrase, generate_subscripts($phrases, 1) AS place) ORDER BY place'

const homeOfFirst =
  'SELECT (hash(phrase) % $shards)::INTEGER AS shard FROM read_parquet($files) LIMIT 1'

/**
 * Any of its tokens leads to a phrase. The join hands the tokens to the scan, which skips the row
 * groups that hold none of them.
 */
export const lookUp = `
  WITH wanted AS (SELECT unnest($tokens) AS token, unnest($phrases) AS phrase)
  SELECT ${phraseColumns} FROM read_parquet($files) JOIN wanted USING (token, phrase)`

/**
 * The first is small, so that rows come at once. Each one reads what it needs of all files again,
 * so the others are large.
 */
const [firstBatch, growth] = [200, 10]

/**
 * Looks phrases up, in their order. `done` of a part: how many are looked up by now.
 * @param phrases each a phrase as `phraseOf` makes it, each once
 * @throws {BrokenIndex} @throws {GenerationGone} @throws {NotEnoughMemory}
 */
export async function* lookUpPhrases(
  files: GenerationFiles,
  phrases: readonly string[],
  { signal }: { signal: AbortSignal },
): AsyncGenerator<Part<KeywordReading>> {
  await refuseOtherHash(files, signal)
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
): AsyncGenerator<Part<KeywordReading>> {
  const values = { phrases: listValue([...phrases]), shards: files.phrases.length }
  const home = (await files.queries.rows(Home, homes, values, signal)).map(({ shard }) => shard)
  const byShard = new Map<number, string[]>()
  for (const [place, phrase] of phrases.entries()) {
    const shard = home[place] ?? 0
    const own = byShard.get(shard)
    if (own) own.push(phrase)
    else byShard.set(shard, [phrase])
  }
  const found = new Map<string, Phrase | 'unreadable'>()
  const finished = new Set<number>()
  let [done, told] = [0, 0]

  const read = async (shards: readonly number[], until: AbortSignal) => {
    const wanted = shards.flatMap((shard) => byShard.get(shard) ?? [])
    const tokens = wanted.map((phrase) => longest(phrase.split(' ')))
    const values = { tokens: listValue(tokens), phrases: listValue(wanted) }
    return readFiles(
      files,
      shards.flatMap((shard) => files.phrases[shard] ?? []),
      { shape: Phrase, sql: lookUp, values },
      until,
    )
  }
  // Singly, for each file is to be asked for its own phrases only.
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
    const ready: KeywordReading[] = []
    for (; told < phrases.length && finished.has(home[told] ?? 0); told++) {
      const phrase = phrases[told] ?? ''
      ready.push({ phrase, found: found.get(phrase) ?? 'absent' })
    }
    yield { rows: ready, read, broken, done }
  }
}

/**
 * Another version of DuckDB may hash differently: phrases would be looked for in the wrong files,
 * and every one be absent.
 */
async function refuseOtherHash(files: GenerationFiles, signal: AbortSignal): Promise<void> {
  for (const [shard, file] of files.phrases.entries()) {
    const values = { shards: files.phrases.length }
    const { rows } = await readFiles(
      files,
      [file],
      { shape: Home, sql: homeOfFirst, values },
      signal,
    )
    const [first] = rows
    if (first?.shard === shard) return
    if (first)
      throw new BrokenIndex(
        files.dir,
        'its phrases are not where this version of DuckDB looks for them, which npm run index -- compact mends',
      )
  }
}
