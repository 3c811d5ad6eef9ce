import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '#local/services/free-port.ts'
import { ensurePostgres, stopPostgres } from '#local/services/postgres.ts'
import type { Service, ServiceOptions } from '#local/services/service.ts'
import { endProcess } from '#processes/end-process.ts'
import { commandLineOf, isRunning } from '#processes/process-identity.ts'
import { tempDir } from '../temp-dir.ts'

async function postgresOf(options: ServiceOptions): Promise<Service> {
  const service = await ensurePostgres(options)
  onTestFinished(() => stopPostgres(service))
  return service
}

async function ask(service: Service, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: service.url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

test('the next start adopts a running PostgreSQL', async () => {
  const dataDir = await tempDir()
  const first = await postgresOf({ dataDir })
  const second = await postgresOf({ dataDir })
  expect(second).toEqual({ ...first, adopted: true })
})

test('PostgreSQL keeps its data, port and password after a crash', async () => {
  const dataDir = await tempDir()
  const first = await postgresOf({ dataDir })
  await ask(first, `CREATE TABLE kept AS SELECT 'yes' AS answer`)
  await endProcess(first.process, [['SIGKILL', 5_000]])

  const second = await postgresOf({ dataDir, port: first.port })
  expect(second.url).toBe(first.url)
  expect(await ask(second, 'SELECT answer FROM kept')).toEqual([{ answer: 'yes' }])
})

test('PostgreSQL starts even if another process has the pid in its pid file', async () => {
  const dataDir = await tempDir()
  const first = await postgresOf({ dataDir })
  const pidFile = join(dataDir, 'postgres', 'postmaster.pid')
  const content = readFileSync(pidFile, 'utf8')
  await stopPostgres(first)
  const other = spawn('sleep', ['60'])
  onTestFinished(() => void other.kill())
  await once(other, 'spawn')
  writeFileSync(pidFile, content.replace(/^\d+/, String(other.pid)))

  const second = await postgresOf({ dataDir })
  expect(await ask(second, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect(other.exitCode).toBe(null)
})

test('a running but unreachable PostgreSQL is stopped and replaced', async () => {
  const dataDir = await tempDir()
  const first = await postgresOf({ dataDir })
  const record = JSON.parse(readFileSync(join(dataDir, 'postgres.json'), 'utf8'))
  writeFileSync(
    join(dataDir, 'postgres.json'),
    JSON.stringify({ ...record, port: await freePort() }),
  )
  const second = await postgresOf({ dataDir })
  expect(isRunning(first.process)).toBe(false)
  expect(await ask(second, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('stopping leaves no process', async () => {
  const service = await postgresOf({ dataDir: await tempDir() })
  await stopPostgres(service)
  expect(isRunning(service.process)).toBe(false)
})

test('a database without its password file is set aside and replaced', async () => {
  const dataDir = await tempDir()
  await stopPostgres(await postgresOf({ dataDir }))
  rmSync(join(dataDir, 'postgres.json'))
  const messages: string[] = []
  const service = await postgresOf({ dataDir, say: (sentence) => messages.push(sentence) })
  expect(await ask(service, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect(messages[0]).toMatch(/without its password file; it is kept as .+postgres-20/)
})

test('a partly created database is created again', async () => {
  const dataDir = await tempDir()
  await stopPostgres(await postgresOf({ dataDir }))
  renameSync(join(dataDir, 'postgres'), join(dataDir, 'postgres.new'))
  const service = await postgresOf({ dataDir })
  expect(await ask(service, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('the password is neither in the process list nor readable by other users', async () => {
  const dataDir = await tempDir()
  const service = await postgresOf({ dataDir })
  const { password } = new URL(service.url)
  expect(password.length).toBeGreaterThan(20)
  expect(commandLineOf(service.process.pid)).not.toContain(password)
  expect(statSync(join(dataDir, 'postgres.json')).mode & 0o777).toBe(0o600)
  await expect(
    ask({ ...service, url: service.url.replace(password, 'wrong') }, 'SELECT 1'),
  ).rejects.toThrow(/password/)
})
