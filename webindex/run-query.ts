import type { DuckDBConnection, DuckDBMaterializedResult, DuckDBValue } from '@duckdb/node-api'

/**
 * Runs one query; an abort interrupts it and leaves the connection usable. The result is complete,
 * not streamed: an interrupted stream ends without an error, as if it were complete.
 * @throws the signal's reason, once it is aborted
 */
export async function runQuery(
  connection: DuckDBConnection,
  sql: string,
  values: Record<string, DuckDBValue>,
  signal: AbortSignal,
): Promise<DuckDBMaterializedResult> {
  signal.throwIfAborted()
  let repeating: NodeJS.Timeout | undefined
  // DuckDB loses an interrupt that arrives while it plans the query (measured), so the interrupt
  // is repeated until the query ends.
  const interrupt = () => {
    connection.interrupt()
    repeating ??= setInterval(interrupt, 10)
  }
  signal.addEventListener('abort', interrupt, { once: true })
  try {
    const result = await connection.run(sql, values)
    signal.throwIfAborted()
    return result
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', interrupt)
    clearInterval(repeating)
  }
}
