import { setImmediate as nextTurn } from 'node:timers/promises'
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import { z } from 'zod'
import { NotEnoughMemory } from '../errors.ts'
import { runQuery } from '../run-query.ts'
import { createTurns } from './slots.ts'

/**
 * One DuckDB for a process with bounded memory and threads; all queries of the process share it.
 */
export interface QueryPool {
  /**
   * Runs a query when its turn comes. One that finds the memory taken by others is run again when
   * it has all of it.
   * @throws {NotEnoughMemory} when even that is too little. @throws the signal's reason, once it is
   * aborted.
   */
  rows<Shape extends z.ZodObject>(
    shape: Shape,
    sql: string,
    values: Record<string, DuckDBValue>,
    signal: AbortSignal,
  ): Promise<z.output<Shape>[]>
  /** When nothing runs any more. */
  close(): void
}

export interface PoolOptions {
  memoryLimitMb: number
  /** Queries at once, each on one thread: those of libuv, of which a process has only a few. */
  threads: number
}

export async function openQueryPool({ memoryLimitMb, threads }: PoolOptions): Promise<QueryPool> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryLimitMb}MB`,
    threads: '1', // Besides those that ask.
    temp_directory: '', // Otherwise it would spill into the current folder.
    autoinstall_known_extensions: 'false',
  })
  const connections = await Promise.all(Array.from({ length: threads }, () => instance.connect()))
  const turns = createTurns(connections)

  return {
    async rows(shape, sql, values, signal) {
      const run = ([connection]: DuckDBConnection[]) => {
        if (!connection) throw new TypeError('A turn without a connection')
        return readRows(connection, shape, sql, values, signal)
      }
      try {
        return await turns.take(1, run, signal)
      } catch (error) {
        if (!isOutOfMemory(error)) throw error
      }
      return turns.take(threads, run, signal).catch((error: unknown) => {
        throw isOutOfMemory(error) ? new NotEnoughMemory(memoryLimitMb, { cause: error }) : error
      })
    },
    close() {
      for (const connection of connections) connection.closeSync()
      instance.closeSync()
    },
  }
}

/** Some milliseconds' worth. */
const parsedInOneGo = 512

async function readRows<Shape extends z.ZodObject>(
  connection: DuckDBConnection,
  shape: Shape,
  sql: string,
  values: Record<string, DuckDBValue>,
  signal: AbortSignal,
): Promise<z.output<Shape>[]> {
  const result = await runQuery(connection, sql, values, signal)
  const Rows = z.array(shape)
  const rows: z.output<Shape>[] = []
  for await (const chunk of result.yieldRowObjectJs()) {
    for (let from = 0; from < chunk.length; from += parsedInOneGo) {
      await nextTurn() // Meanwhile an abort may have come, or a lock that is to be renewed.
      signal.throwIfAborted()
      rows.push(...Rows.parse(chunk.slice(from, from + parsedInOneGo)))
    }
  }
  return rows
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Out of Memory Error')
}
