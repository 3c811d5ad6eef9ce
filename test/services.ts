import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { z } from 'zod'
import { onDemand } from './on-demand.ts'

// A test file that imports this needs Redis; a run whose files don't starts none.
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

/** An empty database of the run's PostgreSQL; `drop` also ends what is still connected to it. */
export async function createDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const name = uniquePrefix()
  const url = new URL(await postgres())
  url.pathname = `/${name}`
  await administer(`CREATE DATABASE ${name}`)
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
