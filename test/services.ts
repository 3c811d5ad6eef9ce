import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { z } from 'zod'
import { onDemand } from './on-demand.ts'

// Importing this module starts Redis, so a run without such a test file starts none.
const redis = z.string().parse(await onDemand('redis'))
const postgres = async () => z.string().parse(await onDemand('postgres'))

/** The run's Redis. Share it by `uniquePrefix`; never flush it. */
export function redisUrl(): string {
  return redis
}

/** A key prefix that no other test has. */
export function uniquePrefix(): string {
  return `t${randomBytes(6).toString('hex')}`
}

/**
 * Creates an empty database in the run's PostgreSQL. `drop` also closes its open connections.
 * @param locale such as `en-US`; by default, texts are compared by bytes
 */
export async function createDatabase(
  locale?: string,
): Promise<{ url: string; drop(): Promise<void> }> {
  const name = uniquePrefix()
  const url = new URL(await postgres())
  url.pathname = `/${name}`
  await administer(
    `CREATE DATABASE ${name} ${locale ? `TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE '${locale}'` : ''}`,
  )
  return { url: url.href, drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: await postgres() })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
