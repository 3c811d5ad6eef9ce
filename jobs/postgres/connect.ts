import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import type { Log } from '../log.ts'

export type Database = NodePgDatabase
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

export interface Postgres {
  pool: pg.Pool
  db: Database
  /** Waits for running queries, then closes every connection. */
  close(): Promise<void>
}

export interface ConnectOptions {
  /**
   * Maximum number of connections, 10 by default. Every process has its own pool, so mind the
   * server's `max_connections`.
   */
  max?: number
  /**
   * How long a query waits for a connection, and how long for its result: 10 s and 60 s by default,
   * less for requests that a user waits for.
   */
  waitMs?: { connection: number; result: number }
  /** Shown by `pg_stat_activity`; `searchlight` by default. */
  name?: string
  /** Gets a warning when an idle connection breaks. */
  log?: Pick<Log, 'warn'>
}

/** Creates a pool. It connects at the first query. */
export function connectPostgres(url: string, options: ConnectOptions = {}): Postgres {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: options.name ?? 'searchlight',
    max: options.max ?? 10,
    connectionTimeoutMillis: options.waitMs?.connection ?? 10_000,
    idleTimeoutMillis: 30_000,
    // A vanished server (failover, cut cable) sends nothing, and the system's own keep-alive waits
    // two hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    query_timeout: options.waitMs?.result ?? 60_000,
  })
  // Without a listener, an idle connection that breaks (a restart of PostgreSQL) would end this
  // process. Log only the message: the error holds the whole connection.
  pool.on('error', (error) =>
    options.log?.warn(
      { reason: error.message },
      'An idle PostgreSQL connection broke; the pool will open another when needed',
    ),
  )
  // The same for a connection that breaks during a transaction: its next query fails anyway.
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = drizzle(pool)
  // drizzle never releases a connection whose `begin` fails: ten outages exhaust the pool. So we
  // check the connection out and release it ourselves, and close it after any failure.
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
