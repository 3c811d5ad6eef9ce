import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type DuckDBValue, listValue } from '@duckdb/node-api'
import { z } from 'zod'
import { GenerationGone, NotEnoughMemory } from '../errors.ts'
import type { QueryPool } from './query-pool.ts'

/** The files of one generation, and what they are read with. */
export interface GenerationFiles {
  /** The index's folder. */
  dir: string
  id: string
  /**
   * Paths relative to the folder, one for each shard; none where the generation has no such table.
   */
  links: readonly string[]
  edges: readonly string[]
  phrases: readonly string[]
  queries: QueryPool
}

/** A file that could not be read, with the reason as a sentence fragment. */
export interface BrokenFile {
  file: string
  reason: string
  cause: unknown
}

/** What was read in one step. */
export interface Part<Row> {
  rows: Row[]
  /** How many files were read for it. */
  read: number
  /** Those that could not be read: what they hold is missing from the rows. */
  broken: BrokenFile[]
  /** Units finished by now: never goes back. */
  done: number
}

/** What files say, and which of them could not be read. */
export type FilesRead<Row> = Omit<Part<Row>, 'done'>

/**
 * So many queries of a search run at a time: where one does not use a second processor, the other
 * does.
 */
const atOnce = 2
/**
 * Up to so many shards are read by one query, as long as it gives few rows: to plan a query takes
 * longer than to look into a file that holds nothing.
 */
const widest = 4
const fewRows = 2_000

/**
 * Asks some files in one query; each for itself when that fails.
 * @param sql reads `$files`.
 * @throws {GenerationGone}
 * @throws {NotEnoughMemory}
 */
export async function readFiles<Shape extends z.ZodObject>(
  { dir, id, queries }: Pick<GenerationFiles, 'dir' | 'id' | 'queries'>,
  files: readonly string[],
  question: { shape: Shape; sql: string; values: Record<string, DuckDBValue> },
  signal: AbortSignal,
): Promise<FilesRead<z.output<Shape>>> {
  const { shape, sql, values } = question
  const [file] = files
  if (file === undefined) return { rows: [], read: 0, broken: [] }
  try {
    const paths = listValue(files.map((each) => join(dir, each)))
    return {
      rows: await queries.rows(shape, sql, { ...values, files: paths }, signal),
      read: files.length,
      broken: [],
    }
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof NotEnoughMemory && files.length === 1) throw cause
    if (!existsSync(join(dir, `gen-${id}`))) throw new GenerationGone(id, { cause })
    if (files.length === 1) {
      const reason = existsSync(join(dir, file))
        ? reasonIn(cause, join(dir, file))
        : 'it is missing'
      return { rows: [], read: 0, broken: [{ file, reason, cause }] }
    }
  }
  const singly: FilesRead<z.output<Shape>>[] = []
  for (const each of files)
    singly.push(await readFiles({ dir, id, queries }, [each], question, signal))
  return together(singly)
}

export function together<Row>(readings: readonly FilesRead<Row>[]): FilesRead<Row> {
  return {
    rows: readings.flatMap(({ rows }) => rows),
    read: readings.reduce((sum, { read }) => sum + read, 0),
    broken: readings.flatMap(({ broken }) => broken),
  }
}

/**
 * Reads shards, the next ones ahead, and hands them on in their order.
 * @param read all that belongs to some shards: it may lie in several files. Its signal also aborts
 * when nobody wants to read on.
 */
export async function* readShards<Row>(
  shards: readonly number[],
  read: (shards: readonly number[], signal: AbortSignal) => Promise<FilesRead<Row>>,
  { signal, singly = false }: { signal: AbortSignal; singly?: boolean },
): AsyncGenerator<Part<Row> & { shards: readonly number[] }> {
  const left = new AbortController()
  const until = AbortSignal.any([signal, left.signal])
  const begun: { some: readonly number[]; reading: Promise<FilesRead<Row>> }[] = []
  let [next, done, width] = [0, 0, 1]
  try {
    while (done < shards.length) {
      for (; begun.length < atOnce && next < shards.length; next += width) {
        const some = shards.slice(next, next + width)
        const reading = read(some, until)
        reading.catch(() => {}) // Heard below, when its turn comes.
        begun.push({ some, reading })
      }
      const first = begun[0]
      if (!first) return
      const part = await first.reading
      begun.shift()
      done += first.some.length
      if (!singly) width = part.rows.length < fewRows ? Math.min(2 * width, widest) : 1
      yield { ...part, shards: first.some, done }
    }
  } finally {
    left.abort()
    await Promise.allSettled(begun.map(({ reading }) => reading))
  }
}

/** What DuckDB says of a file, in words for people and without the file's place on this machine. */
function reasonIn(error: unknown, path: string): string {
  const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
  if (/No magic bytes|too small to be a Parquet/.test(line))
    return 'it is cut off, or no Parquet file'
  if (error instanceof z.ZodError || line.startsWith('Binder Error'))
    return 'it does not hold what it should'
  const told = line.replaceAll(path, 'the file').trim().slice(0, 100)
  return line.startsWith('IO Error') ? told : `it is damaged: ${told}`
}
