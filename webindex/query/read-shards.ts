import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type DuckDBValue, listValue } from '@duckdb/node-api'
import { z } from 'zod'
import { GenerationGone, NotEnoughMemory } from '../errors.ts'
import type { QueryPool } from './query-pool.ts'

/** The files of one generation, and the pool that reads them. */
export interface GenerationFiles {
  /** The index's folder. */
  dir: string
  id: string
  /** Paths relative to `dir`, one for each shard; empty if the generation has no such table. */
  links: readonly string[]
  edges: readonly string[]
  phrases: readonly string[]
  /** One file. */
  sites: readonly string[]
  queries: QueryPool
}

/** A file that could not be read. `reason` is a sentence fragment. */
export interface BrokenFile {
  file: string
  reason: string
  cause: unknown
}

/** The result of one step of a query. */
export interface Part<Row> {
  rows: Row[]
  /** Number of files read. */
  read: number
  /** Files that could not be read; their rows are missing. */
  broken: BrokenFile[]
  /** Units finished so far; never decreases. */
  done: number
}

/** The result of reading some files. */
export type FilesRead<Row> = Omit<Part<Row>, 'done'>

/** Concurrent queries of a search: one seldom keeps two processors busy. */
const maxQueries = 2
/**
 * Shards read by one query, while queries return few rows: planning a query takes longer than
 * scanning a file without matches.
 */
const maxWidth = 4
const fewRows = 2_000

/**
 * Reads some files in one query; if that fails, each file in a query of its own.
 * @param query.sql reads `$files`
 * @throws {GenerationGone}
 * @throws {NotEnoughMemory}
 */
export async function readFiles<Shape extends z.ZodObject>(
  { dir, id, queries }: Pick<GenerationFiles, 'dir' | 'id' | 'queries'>,
  files: readonly string[],
  query: { shape: Shape; sql: string; values: Record<string, DuckDBValue> },
  signal: AbortSignal,
): Promise<FilesRead<z.output<Shape>>> {
  const { shape, sql, values } = query
  const [file] = files
  if (file === undefined) return { rows: [], read: 0, broken: [] }
  try {
    const paths = pathsOf({ dir }, files)
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
  const results: FilesRead<z.output<Shape>>[] = []
  for (const each of files)
    results.push(await readFiles({ dir, id, queries }, [each], query, signal))
  return combined(results)
}

/** Files as the parameter of a query. */
export function pathsOf({ dir }: Pick<GenerationFiles, 'dir'>, files: readonly string[]) {
  return listValue(files.map((file) => join(dir, file)))
}

export function combined<Row>(results: readonly FilesRead<Row>[]): FilesRead<Row> {
  return {
    rows: results.flatMap(({ rows }) => rows),
    read: results.reduce((sum, { read }) => sum + read, 0),
    broken: results.flatMap(({ broken }) => broken),
  }
}

/**
 * Reads shards ahead of the consumer and yields them in order.
 * @param read reads all files of some shards. Its signal also aborts when the consumer stops.
 * @param options.singly reads each shard in a query of its own
 */
export async function* readShards<Row>(
  shards: readonly number[],
  read: (shards: readonly number[], signal: AbortSignal) => Promise<FilesRead<Row>>,
  { signal, singly = false }: { signal: AbortSignal; singly?: boolean },
): AsyncGenerator<Part<Row> & { shards: readonly number[] }> {
  const stopped = new AbortController()
  const until = AbortSignal.any([signal, stopped.signal])
  const started: { batch: readonly number[]; reading: Promise<FilesRead<Row>> }[] = []
  let [next, done, width] = [0, 0, 1]
  try {
    while (done < shards.length) {
      for (; started.length < maxQueries && next < shards.length; next += width) {
        const batch = shards.slice(next, next + width)
        const reading = read(batch, until)
        reading.catch(() => {}) // Awaited below; until then the rejection counts as handled.
        started.push({ batch, reading })
      }
      const first = started[0]
      if (!first) return
      const part = await first.reading
      started.shift()
      done += first.batch.length
      if (!singly) width = part.rows.length < fewRows ? Math.min(2 * width, maxWidth) : 1
      yield { ...part, shards: first.batch, done }
    }
  } finally {
    stopped.abort()
    await Promise.allSettled(started.map(({ reading }) => reading))
  }
}

/** DuckDB's error for people, without the file's path on this machine. */
function reasonIn(error: unknown, path: string): string {
  const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
  if (/No magic bytes|too small to be a Parquet/.test(line))
    return 'it is cut off, or not a Parquet file'
  if (error instanceof z.ZodError || line.startsWith('Binder Error'))
    return 'it does not have the expected content'
  const message = line.replaceAll(path, 'the file').trim().slice(0, 100)
  return line.startsWith('IO Error') ? message : `it is damaged: ${message}`
}
