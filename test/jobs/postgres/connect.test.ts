import { sql } from 'drizzle-orm'
import { expect, test, vi } from 'vitest'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { createDatabase } from '../../services.ts'

test('a connection that breaks in the midst of a transaction fails that transaction, and nothing else', async () => {
  const database = await createDatabase()
  const postgres = connectPostgres(database.url)
  const broken = postgres.db.transaction(async (tx) => {
    const { rows } = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)
    const client = await postgres.pool.connect()
    await client.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await vi.waitFor(async () => {
      const left = await client.query('select 1 from pg_stat_activity where pid = $1', [rows[0]?.pid])
      expect(left.rowCount).toBe(0)
    })
    client.release()
    await tx.execute(sql`select 1`)
  })
  await expect(broken).rejects.toThrow()
  expect((await postgres.db.execute(sql`select 1 as one`)).rows).toEqual([{ one: 1 }])
  await postgres.close()
  await database.drop()
})
