import { rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { z } from 'zod'
import type { ParquetFile } from '../manifest.ts'
import { runQuery } from '../run-query.ts'

/**
 * The scratch database of a build, which collects the rows of a generation before they are written.
 * It is a file, not in memory, because a build may be large.
 */
export interface Staging {
  connection: DuckDBConnection
  /** The generation's folder. */
  folder: string
  /** For a build's temporary files; `close` removes it. Does not exist at first. */
  tmpFolder: string
  run(sql: string): Promise<void>
  read<Shape extends z.ZodObject>(shape: Shape, sql: string): Promise<z.output<Shape>[]>
  /** Writes rows to `<name>.parquet`. @param select the rows in their final order. */
  copy(name: string, select: string, options?: { rowGroup?: number }): Promise<ParquetFile>
  close(): Promise<void>
}

const RowCount = z.object({ rows: z.number() })
/** Rows. Small, so that a search for a rare target or word skips most of a file. */
const defaultRowGroup = 20_480

export async function openStaging(options: {
  folder: string
  memoryLimitMb: number
  threads: number
  signal: AbortSignal
}): Promise<Staging> {
  const { folder, signal } = options
  const file = join(folder, 'staging.duckdb')
  const spillFolder = join(folder, 'spill')
  const tmpFolder = join(folder, 'tmp')
  const instance = await DuckDBInstance.create(file, {
    memory_limit: `${options.memoryLimitMb}MB`,
    threads: String(options.threads),
    temp_directory: spillFolder,
    preserve_insertion_order: 'false',
    // Rows per thread that a partitioned write buffers in memory.
    partitioned_write_flush_threshold: '65536',
  })
  const connection = await instance.connect()
  // Saves time: the database is deleted right after it is closed.
  await connection.run('PRAGMA disable_checkpoint_on_shutdown')

  async function read<Shape extends z.ZodObject>(
    shape: Shape,
    sql: string,
  ): Promise<z.output<Shape>[]> {
    const result = await runQuery(connection, sql, {}, signal)
    return z.array(shape).parse(await result.getRowObjectsJS())
  }

  async function run(sql: string): Promise<void> {
    await runQuery(connection, sql, {}, signal)
  }

  return {
    connection,
    folder,
    tmpFolder,
    read,
    run,
    async copy(name, select, { rowGroup = defaultRowGroup } = {}) {
      const path = join(folder, `${name}.parquet`)
      const to = quoted(path)
      await run(
        `COPY (${select}) TO ${to} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroup})`,
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
      for (const path of [file, `${file}.wal`, spillFolder, tmpFolder])
        await rm(path, { recursive: true, force: true })
    },
  }
}

/** Quotes text for SQL statements that take no parameters. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
