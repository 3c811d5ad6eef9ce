import type { DuckDBConnection, DuckDBMaterializedResult, DuckDBValue } from '@duckdb/node-api'

/**
 * Runs one query; an abort interrupts it, and the connection can be used again afterwards.
 * Results are whole, not streamed: a stream that is interrupted just ends, as if it were complete.
 * @throws the signal's reason, once it is aborted.
 */
export async function runQuery(
  connection: DuckDBConnection,
  sql: string,
  values: Record<string, DuckDBValue>,
  signal: AbortSignal,
): Promise<DuckDBMaterializedResult> {
  signal.throwIfAborted()
  let again: NodeJS.Timeout | undefined
  // An interrupt that arrives while the query is being planned is lost (measured), so it is
  // repeated until the query lets go.
  const interrupt = () => {
    connection.interrupt()
    again ??= setInterval(interrupt, 10)
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
    clearInterval(again)
  }
}
