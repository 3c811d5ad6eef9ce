import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'

/** The run's Redis. Share it by `uniquePrefix`; never flush it. */
export function redisUrl(): string {
  return inject('redisUrl')
}

/** A key prefix that no other test has. */
export function uniquePrefix(): string {
  return `t${randomBytes(6).toString('hex')}`
}

/** An empty database of the run's PostgreSQL; `drop` also ends what is still connected to it. */
export async function createDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const name = uniquePrefix()
  const url = new URL(inject('databaseUrl'))
  url.pathname = `/${name}`
  await administer(`CREATE DATABASE ${name}`)
  return { url: url.href, drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: inject('databaseUrl') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
