import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBValue } from '@duckdb/node-api'
import { z } from 'zod'
import { GenerationGone, NotEnoughMemory } from './errors.ts'
import type { QueryPool } from './query-pool.ts'

/** The files of one generation, and what they are read with. */
export interface GenerationFiles {
  /** The index's folder. */
  dir: string
  id: string
  /** Paths relative to the folder, one for each shard; none where the generation has no such table. */
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

/** What one file says, or how it is broken. */
export type FileReading<Row> = { rows: Row[] } | { broken: BrokenFile }

/** So many shards are read at a time: where a query does not use a second processor, another one does. */
const atOnce = 2

/** Asks one file. @param sql reads `$file`. @throws {GenerationGone} @throws {NotEnoughMemory} @throws the signal's reason */
export async function readFile<Shape extends z.ZodObject>(
  { dir, id, queries }: Pick<GenerationFiles, 'dir' | 'id' | 'queries'>,
  file: string,
  { shape, sql, values }: { shape: Shape; sql: string; values: Record<string, DuckDBValue> },
  signal: AbortSignal,
): Promise<FileReading<z.output<Shape>>> {
  try {
    return { rows: await queries.rows(shape, sql, { ...values, file: join(dir, file) }, signal) }
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof NotEnoughMemory) throw cause
    if (!existsSync(join(dir, `gen-${id}`))) throw new GenerationGone(id, { cause })
    return { broken: { file, reason: existsSync(join(dir, file)) ? reasonIn(cause) : 'it is missing', cause } }
  }
}

/**
 * Reads shards, the next one ahead, and hands them on in their order.
 * @param read all that belongs to a shard: it may lie in several files. Its signal also aborts when nobody wants to read on.
 */
export async function* readShards<Row>(
  shards: readonly number[],
  read: (shard: number, signal: AbortSignal) => Promise<FileReading<Row>[]>,
  signal: AbortSignal,
): AsyncGenerator<Part<Row> & { shard: number }> {
  const left = new AbortController()
  const until = AbortSignal.any([signal, left.signal])
  const begun: Promise<FileReading<Row>[]>[] = []
  try {
    for (const [done, shard] of shards.entries()) {
      for (const next of shards.slice(done + begun.length, done + atOnce)) {
        const reading = read(next, until)
        reading.catch(() => {}) // Heard below, when its turn comes.
        begun.push(reading)
      }
      const readings = (await begun[0]) ?? []
      begun.shift()
      const rows = readings.flatMap((reading) => ('rows' in reading ? reading.rows : []))
      const broken = readings.flatMap((reading) => ('broken' in reading ? [reading.broken] : []))
      yield { shard, rows, read: readings.length - broken.length, broken, done: done + 1 }
    }
  } finally {
    left.abort()
    await Promise.allSettled(begun)
  }
}

/** What DuckDB says of a file, in words for people and without the file's place on this machine. */
function reasonIn(error: unknown): string {
  const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
  if (/No magic bytes|too small to be a Parquet/.test(line)) return 'it is cut off, or no Parquet file'
  if (error instanceof z.ZodError || line.startsWith('Binder Error')) return 'it does not hold what it should'
  const told = line.replaceAll(/["']?\/\S+\.parquet["']?/g, 'the file').trim()
  return `it is damaged: ${told.length > 100 ? `${told.slice(0, 100)}…` : told}`
}
