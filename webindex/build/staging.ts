import { rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { z } from 'zod'
import type { ParquetFile } from '../manifest.ts'
import { runQuery } from '../run-query.ts'

/**
 * Where the rows of a generation are gathered before they are written: a database in a file, not in
 * memory, for a build may be large.
 */
export interface Staging {
  connection: DuckDBConnection
  /** The generation's folder. */
  folder: string
  /** For what a build sets aside on the way; goes with the staging. */
  asideFolder: string
  run(sql: string): Promise<void>
  read<Shape extends z.ZodObject>(shape: Shape, sql: string): Promise<z.output<Shape>[]>
  /** Writes rows to `<name>.parquet`. @param select in their final order. */
  copy(name: string, select: string, options?: { rowGroup?: number }): Promise<ParquetFile>
  close(): Promise<void>
}

const RowCount = z.object({ rows: z.number() })
/** Small, so that a search for a rare target or word skips most of a file. */
const usualRowGroup = 20_480

export async function openStaging(options: {
  folder: string
  memoryLimitMb: number
  threads: number
  signal: AbortSignal
}): Promise<Staging> {
  const { folder, signal } = options
  const file = join(folder, 'staging.duckdb')
  const asideFolder = join(folder, 'aside')
  const instance = await DuckDBInstance.create(file, {
    memory_limit: `${options.memoryLimitMb}MB`,
    threads: String(options.threads),
    temp_directory: join(folder, 'spill'),
    preserve_insertion_order: 'false',
    // Rows that are split over files wait in memory, so many for each thread.
    partitioned_write_flush_threshold: '65536',
  })
  const connection = await instance.connect()
  await connection.run('PRAGMA disable_checkpoint_on_shutdown') // It is thrown away, and nobody waits for that to be tidy.

  async function read<Shape extends z.ZodObject>(
    shape: Shape,
    sql: string,
  ): Promise<z.output<Shape>[]> {
    return z
      .array(shape)
      .parse(await (await runQuery(connection, sql, {}, signal)).getRowObjectsJS())
  }

  return {
    connection,
    folder,
    asideFolder,
    read,
    async run(sql) {
      await runQuery(connection, sql, {}, signal)
    },
    async copy(name, select, { rowGroup = usualRowGroup } = {}) {
      const path = join(folder, `${name}.parquet`)
      const to = quoted(path)
      await runQuery(
        connection,
        `COPY (${select}) TO ${to} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroup})`,
        {},
        signal,
      )
      const [counted] = await read(
        RowCount,
        `SELECT num_rows::DOUBLE AS rows FROM parquet_file_metadata(${to})`,
      )
      return {
        file: `${basename(folder)}/${name}.parquet`,
        rows: counted?.rows ?? 0,
        bytes: (await stat(path)).size,
      }
    },
    async close() {
      connection.closeSync()
      instance.closeSync()
      for (const left of [file, `${file}.wal`, join(folder, 'spill'), asideFolder])
        await rm(left, { recursive: true, force: true })
    },
  }
}

/** Text in SQL, where a statement takes no parameters. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
