import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import { z } from 'zod'
import { NotEnoughMemory } from '../errors.ts'
import { runQuery } from '../run-query.ts'
import { createSlots } from './slots.ts'

/** A DuckDB with bounded memory and threads that all queries of the process share. */
export interface QueryPool {
  /**
   * Runs a query as soon as a connection is free. If it runs out of memory beside other queries, it
   * runs again alone.
   * @throws {NotEnoughMemory} if all of the memory is not enough
   * @throws the signal's reason, once it is aborted
   */
  rows<Shape extends z.ZodObject>(
    shape: Shape,
    sql: string,
    values: Record<string, DuckDBValue>,
    signal: AbortSignal,
  ): Promise<z.output<Shape>[]>
  /** Call it when no query is running. */
  close(): void
}

export interface PoolOptions {
  memoryLimitMb: number
  /** Concurrent queries. Each occupies one of the few threads in libuv's pool. */
  threads: number
}

export async function openQueryPool({ memoryLimitMb, threads }: PoolOptions): Promise<QueryPool> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryLimitMb}MB`,
    threads: '1', // In addition to the thread of each query.
    temp_directory: '', // Otherwise DuckDB would spill into the current folder.
    autoinstall_known_extensions: 'false',
  })
  const connections = await Promise.all(Array.from({ length: threads }, () => instance.connect()))
  const slots = createSlots(connections)

  return {
    async rows(shape, sql, values, signal) {
      const run = ([connection]: DuckDBConnection[]) => {
        if (!connection) throw new TypeError('A slot without a connection')
        return readRows(connection, shape, sql, values, signal)
      }
      try {
        return await slots.use(1, run, signal)
      } catch (error) {
        if (!isOutOfMemory(error)) throw error
      }
      return slots.use(threads, run, signal).catch((error: unknown) => {
        throw isOutOfMemory(error) ? new NotEnoughMemory(memoryLimitMb, { cause: error }) : error
      })
    },
    close() {
      for (const connection of connections) connection.closeSync()
      instance.closeSync()
    },
  }
}

/** Rows parsed without a pause: a few milliseconds of work. */
const parseBatch = 512

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
    for (let from = 0; from < chunk.length; from += parseBatch) {
      await yieldToEventLoop() // Lets aborts arrive and locks be renewed.
      signal.throwIfAborted()
      rows.push(...Rows.parse(chunk.slice(from, from + parseBatch)))
    }
  }
  return rows
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Out of Memory Error')
}
