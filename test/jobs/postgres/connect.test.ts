import { sql } from 'drizzle-orm'
import type { PoolClient } from 'pg'
import { expect, test } from 'vitest'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { createDatabase } from '../../services.ts'

test('a connection that breaks during a transaction fails only that transaction', async () => {
  const database = await createDatabase()
  const postgres = connectPostgres(database.url)
  const broken = postgres.db.transaction(async (tx) => {
    const { rows } = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)
    const client = await postgres.pool.connect()
    await client.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    const isLeft = async () =>
      (await client.query('select 1 from pg_stat_activity where pid = $1', [rows[0]?.pid])).rowCount
    await expect.poll(isLeft).toBe(0)
    client.release()
    await tx.execute(sql`select 1`)
  })
  await expect(broken).rejects.toThrow()
  expect((await postgres.db.execute(sql`select 1 as one`)).rows).toEqual([{ one: 1 }])
  await postgres.close()
  await database.drop()
})

test('a transaction that cannot begin releases its connection', async () => {
  const database = await createDatabase()
  const postgres = connectPostgres(database.url, { max: 2 })
  const cut = (client: PoolClient) => {
    // Every connection breaks the moment it is checked out.
    if ('connection' in client) Object(client.connection).stream.destroy()
  }
  postgres.pool.on('acquire', cut)
  for (let i = 0; i < 5; i++)
    await expect(postgres.db.transaction(async () => {})).rejects.toThrow()
  postgres.pool.off('acquire', cut)
  const answer = await postgres.db.transaction((tx) => tx.execute(sql`select 1 as one`))
  expect(answer.rows).toEqual([{ one: 1 }])
  await postgres.close()
  await database.drop()
})

test('a failed transaction leaves no changes', async () => {
  const database = await createDatabase()
  const postgres = connectPostgres(database.url, { max: 1 })
  await postgres.db.execute(sql`create table things (name text)`)
  const failing = postgres.db.transaction(async (tx) => {
    await tx.execute(sql`insert into things values ('half')`)
    throw new Error('on second thoughts')
  })
  await expect(failing).rejects.toThrow('on second thoughts')
  expect((await postgres.db.execute(sql`select * from things`)).rows).toEqual([])
  await postgres.close()
  await database.drop()
})
