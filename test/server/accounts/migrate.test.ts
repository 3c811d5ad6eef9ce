import { execFile } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { createAuth } from '#server/accounts/auth.ts'
import { accountsMigrations } from '#server/accounts/migrations.ts'
import { program } from '#test/programs.ts'
import { createDatabase } from '#test/services.ts'
import { settings } from './accounts-environment.ts'

let database: Awaited<ReturnType<typeof createDatabase>>
let folder: string
beforeEach(async () => {
  database = await createDatabase()
  folder = await mkdtemp(join(tmpdir(), 'searchlight-migrations-'))
})
afterEach(async () => {
  await database.drop()
  await rm(folder, { recursive: true })
})

async function query(statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

/** Writes a migrations folder in drizzle-kit's format. */
async function writeMigrations(
  ...statements: string[]
): Promise<{ folder: string; table: string }> {
  await mkdir(join(folder, 'meta'), { recursive: true })
  const entries = statements.map((_, idx) => ({
    idx,
    version: '7',
    when: 1_000 + idx,
    tag: `000${idx}`,
    breakpoints: true,
  }))
  await writeFile(
    join(folder, 'meta/_journal.json'),
    JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
  )
  await Promise.all(
    statements.map((statement, idx) => writeFile(join(folder, `000${idx}.sql`), statement)),
  )
  return { folder, table: 'test_migrations' }
}

test('ten concurrent runs apply each migration once', async () => {
  const migrations = await writeMigrations(
    'create table counted (at timestamptz)',
    'insert into counted values (now())',
  )
  await Promise.all(Array.from({ length: 10 }, () => migrateDatabase(database.url, migrations)))
  expect(await query('select * from counted')).toHaveLength(1)
  expect(await query('select * from test_migrations')).toHaveLength(2)
})

test('five processes can start at once on an empty database', async () => {
  const args = ['list', '--email', 'a@b.example']
  const command = await program('server/accounts/apikey-command.ts', ...args)
  const start = () =>
    promisify(execFile)(process.execPath, command, {
      env: { ...process.env, DATABASE_URL: database.url },
    }).catch((error) => error)
  const results = await Promise.all(Array.from({ length: 5 }, start))
  expect(results.map(({ stderr }) => stderr)).toEqual(
    Array(5).fill('There is no account with the e-mail address a@b.example.\n'),
  )
  expect(await query('select * from accounts_migrations')).toHaveLength(1)
})

test('a failed migration is rolled back and releases the lock', async () => {
  const broken = await writeMigrations(
    'create table half (id int);--> statement-breakpoint\nselect nonsense',
  )
  await expect(migrateDatabase(database.url, broken)).rejects.toThrow('nonsense')
  expect(await query(`select to_regclass('half') as half`)).toEqual([{ half: null }])
  const fixed = await writeMigrations('create table half (id int)')
  await migrateDatabase(database.url, fixed)
  expect(await query(`select to_regclass('half')::text as half`)).toEqual([{ half: 'half' }])
})

test('the tables have every column that better-auth expects', async () => {
  await migrateDatabase(database.url, accountsMigrations)
  const postgres = connectPostgres(database.url)
  const { tables } = await createAuth(postgres.db, settings).$context
  const columns = await query(
    `select table_name, column_name from information_schema.columns where table_schema = 'public'`,
  )
  await postgres.close()
  const existing = new Set(columns.map((row) => `${row.table_name}.${row.column_name}`))
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const expected = Object.values(tables).flatMap((table) =>
    Object.keys(table.fields).map((field) => `${table.modelName}.${snake(field)}`),
  )
  expect(expected.length).toBeGreaterThan(30)
  expect(expected.filter((column) => !existing.has(column))).toEqual([])
})

test('a pool survives the loss of its idle connections', async () => {
  const warnings = new EventEmitter()
  const warned = once(warnings, 'warned')
  const log = { warn: (data: object, message: string) => warnings.emit('warned', data, message) }
  const postgres = connectPostgres(database.url, { max: 1, name: 'searchlight-idle', log })
  await postgres.pool.query('select 1')
  await query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'searchlight-idle'`,
  )
  expect(await warned).toEqual([
    { reason: 'terminating connection due to administrator command' },
    expect.stringContaining('connection broke'),
  ])
  expect((await postgres.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await postgres.close()
})
