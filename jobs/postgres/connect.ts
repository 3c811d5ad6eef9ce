import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'

export type Database = NodePgDatabase

export interface Postgres {
  pool: pg.Pool
  db: Database
  /** Waits for the queries that run, then closes every connection. */
  close(): Promise<void>
}

export interface ConnectOptions {
  /**
   * Connections at most; 10 by default. Mind the server's `max_connections`: every process has a
   * pool of its own.
   */
  max?: number
  /** Shown by `pg_stat_activity`; `searchlight` by default. */
  name?: string
  /** Told when an idle connection breaks. A pino logger fits. */
  log?: { warn(data: object, message: string): void }
}

/**
 * Opens no connection yet: the pool does, when the first query comes, and a query waits at most 10
 * s for one.
 */
export function connectPostgres(url: string, options: ConnectOptions = {}): Postgres {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: options.name ?? 'searchlight',
    max: options.max ?? 10,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    // A server that vanished (failover, cut cable) answers nothing, and the system's own keep-alive
    // waits two hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    query_timeout: 60_000,
  })
  // Without a listener, an idle connection that breaks (a restart of PostgreSQL) would end this
  // process. The pool replaces it. Only the message: the error holds the whole connection, and a
  // log should not.
  pool.on('error', (error) =>
    options.log?.warn(
      { reason: error.message },
      'An idle PostgreSQL connection broke; the pool opens another when needed',
    ),
  )
  // The same for one that breaks in the midst of a transaction: whoever uses it is told by its next
  // query.
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = drizzle(pool)
  // drizzle keeps a connection for ever whose transaction can't even begin: ten outages, and the
  // pool is empty. We hand it over and take it back ourselves; one that something went wrong on is
  // closed.
  db.transaction = async (work, config) => {
    const client = await pool.connect()
    try {
      const result = await drizzle(client).transaction(work, config)
      client.release()
      return result
    } catch (error) {
      client.release(true)
      throw error
    }
  }
  return { pool, db, close: () => pool.end() }
}
