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
  /** Shown by `pg_stat_activity`; `searchlight` by default. */
  name?: string
  /** How long a query may wait, in ms. By default, 10 s for a connection and 60 s for its result. */
  limits?: { connectionMs: number; queryMs: number }
  /** Gets a warning when an idle connection breaks. */
  log?: Pick<Log, 'warn'>
}

const defaultLimits = { connectionMs: 10_000, queryMs: 60_000 }
/** PostgreSQL ends a long statement a little before we give up: then the connection stays usable. */
const statementEndsMs = 500

/** Creates a pool. It connects at the first query. */
export function connectPostgres(url: string, options: ConnectOptions = {}): Postgres {
  const { connectionMs, queryMs } = options.limits ?? defaultLimits
  const pool = new pg.Pool({
    connectionString: url,
    application_name: options.name ?? 'searchlight',
    max: options.max ?? 10,
    connectionTimeoutMillis: connectionMs,
    idleTimeoutMillis: 30_000,
    // A vanished server (failover, cut cable) sends nothing, and the system's own keep-alive waits
    // two hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // Only our own clock helps against a PostgreSQL that hangs.
    query_timeout: queryMs,
    ...(options.limits ? { statement_timeout: queryMs - statementEndsMs } : {}),
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
