import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'

export interface Migrations {
  /** A folder written by drizzle-kit: numbered SQL files and `meta/_journal.json`. */
  folder: string
  /** The table that records which of them were applied; one per folder. */
  table: string
}

/**
 * Applies the folder's missing migrations, all or none: if one fails, the database is unchanged.
 * Every process calls this when it starts, so it takes an advisory lock: the first process
 * migrates, the others wait and find nothing left to do.
 *
 * It uses its own connection, because the lock belongs to a connection and because a migration may
 * take longer than a pool's query timeout. If this process dies, PostgreSQL frees the lock.
 */
export async function migrateDatabase(url: string, { folder, table }: Migrations): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'searchlight-migrate',
    connectionTimeoutMillis: 10_000,
  })
  // If the server goes away, the query fails; without a listener, this event would also end the
  // process.
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(`select pg_advisory_lock(hashtextextended('searchlight migrations', 0))`)
    await migrate(drizzle(client), {
      migrationsFolder: folder,
      migrationsTable: table,
      migrationsSchema: 'public',
    })
  } finally {
    await client.end()
  }
}
