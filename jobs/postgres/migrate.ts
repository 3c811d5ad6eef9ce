import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'

export interface Migrations {
  /** Folder that drizzle-kit wrote: numbered SQL files and `meta/_journal.json`. */
  folder: string
  /** Table that remembers which of them were applied; each folder its own. */
  table: string
}

/**
 * Brings the database up to the newest migration of the folder. Every process calls this at its
 * start, so it takes one advisory lock per database: the first one works, the others wait and find
 * nothing left to do. All or nothing: a migration that fails leaves the database as it was.
 *
 * It has a connection of its own because the lock belongs to one, and because a migration may take
 * longer than a pool's query time-out. PostgreSQL frees the lock should this process die.
 */
export async function migrateDatabase(url: string, { folder, table }: Migrations): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'searchlight-migrate',
    connectionTimeoutMillis: 10_000,
  })
  // A server that goes away makes the query fail, and besides is told here: unheard, it would end
  // the process without a word.
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
