import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { z } from 'zod'
import { endProcess } from '#processes/end-process.ts'
import { commandLineOf, identityOf, ProcessIdentity } from '#processes/process-identity.ts'
import { CannotStart } from '../cannot-start.ts'
import { freePort } from './free-port.ts'
import { launch, ServicePortTaken } from './launch.ts'
import { type Account, ids } from './postgres-account.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { initialize, postgresEnvironment, postgresHome } from './postgres-home.ts'
import { readRecord, writeRecord } from './private-file.ts'
import type { Service, ServiceOptions } from './service.ts'

const PostgresRecord = z.object({
  port: z.number(),
  password: z.string(),
  process: ProcessIdentity.nullable(),
})
type PostgresRecord = z.infer<typeof PostgresRecord>

const database = 'searchlight'
/** PostgreSQL calls SIGINT a "fast" and SIGQUIT an "immediate" shutdown. */
const graceful = [
  ['SIGINT', 15_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const satisfies [NodeJS.Signals, number][]

/**
 * The PostgreSQL of this data folder: the one that is running, else a new one on the same data.
 * @throws {CannotStart}
 */
export async function ensurePostgres(options: ServiceOptions): Promise<Service> {
  const { dataDir, say = () => {} } = options
  mkdirSync(dataDir, { recursive: true, mode: 0o711 })
  const { home, account } = await postgresHome(dataDir)
  const files = join(home, 'postgres')
  const known = readRecord(recordPath(options), PostgresRecord)

  if (known !== null) {
    const running = await adopt(known, files, options)
    if (running !== null) return running
  }
  await clearLeftovers(files)
  const bin = await postgresBinaries(account, home)
  const record = known ?? {
    port: await freePort(),
    password: randomBytes(24).toString('base64url'),
    process: null,
  }
  if (known === null) {
    setAside(files, say)
    writeRecord(recordPath(options), record)
  }
  if (!existsSync(files)) {
    say('Creating a database…')
    await initialize(bin, home, record.password, account)
  }
  return await startOnFreePort(bin, files, record, account, options)
}

/** Shuts PostgreSQL down once every transaction is on disk. Keeps the data. */
export async function stopPostgres(service: Service): Promise<void> {
  await endProcess(service.process, [...graceful])
}

async function startOnFreePort(
  bin: string,
  files: string,
  record: PostgresRecord,
  account: Account | null,
  options: ServiceOptions,
): Promise<Service> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort(record.port))
    try {
      return await start(bin, files, { ...record, port }, account, options)
    } catch (error) {
      if (!(error instanceof ServicePortTaken) || options.port !== undefined || attempt === 3)
        throw error
    }
  }
}

async function start(
  bin: string,
  files: string,
  record: PostgresRecord,
  account: Account | null,
  options: ServiceOptions,
): Promise<Service> {
  const process = await launch({
    title: 'PostgreSQL',
    command: join(bin, 'postgres'),
    args: ['-D', files, ...settings(record.port, options.durable ?? true)],
    account: ids(account),
    env: postgresEnvironment,
    log: join(options.dataDir, 'postgres.log'),
    onStart: (identity) => writeRecord(recordPath(options), { ...record, process: identity }),
    isReady: () => serves(record, files),
  })
  await createDatabase(record)
  return { name: 'postgres', url: urlOf(record), port: record.port, process, adopted: false }
}

function settings(port: number, durable: boolean): string[] {
  const notDurable = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']
  // No socket file: no client uses it, and its path may be only about 100 characters long.
  const all = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'timezone=UTC',
    'log_timezone=UTC',
  ]
  return [...all, ...(durable ? [] : [...notDurable, 'max_connections=300'])].flatMap((setting) => [
    '-c',
    setting,
  ])
}

async function adopt(
  known: PostgresRecord,
  files: string,
  options: ServiceOptions,
): Promise<Service | null> {
  if (options.port !== undefined && options.port !== known.port) return null
  const pid = pidOf(files)
  const identity = pid === null ? null : identityOf(pid)
  if (identity === null || !(await serves(known, files))) return null
  return { name: 'postgres', url: urlOf(known), port: known.port, process: identity, adopted: true }
}

/**
 * Ends a server that runs on these files but does not answer, and removes the pid file of a dead
 * one: PostgreSQL would take any process that now has this pid for the old server and refuse to
 * start.
 */
async function clearLeftovers(files: string): Promise<void> {
  const pid = pidOf(files)
  if (pid === null) return
  const identity = identityOf(pid)
  if (identity !== null && commandLineOf(pid)?.includes(files)) {
    if (!(await endProcess(identity, [...graceful])))
      throw new CannotStart(`PostgreSQL (process ${pid}) does not end. Kill it and try again.`)
  }
  rmSync(join(files, 'postmaster.pid'), { force: true })
}

/**
 * Renames a database whose password was lost with the data folder. It cannot be opened, but the
 * user decides whether to delete it.
 */
function setAside(files: string, say: (sentence: string) => void): void {
  if (!existsSync(files)) return
  const aside = `${files}-${new Date().toISOString().replaceAll(':', '-')}`
  renameSync(files, aside)
  say(`Found a database without its password file; it is kept as ${aside}.`)
}

/** Whether a server on this port accepts our password and keeps its data in these files. */
async function serves(record: PostgresRecord, files: string): Promise<boolean> {
  const [answer] = (await ask(record, 'postgres', 'SHOW data_directory').catch(() => null)) ?? []
  const folder = z.object({ data_directory: z.string() }).safeParse(answer)
  return folder.success && realpathSync(folder.data.data_directory) === realpathSync(files)
}

async function createDatabase(record: PostgresRecord): Promise<void> {
  const found = await ask(
    record,
    'postgres',
    `SELECT 1 FROM pg_database WHERE datname = '${database}'`,
  )
  if (found.length === 0) await ask(record, 'postgres', `CREATE DATABASE ${database}`)
}

async function ask(
  record: PostgresRecord,
  inDatabase: string,
  statement: string,
): Promise<unknown[]> {
  const client = new Client({
    connectionString: urlOf(record, inDatabase),
    connectionTimeoutMillis: 2_000,
    query_timeout: 10_000,
  })
  client.on('error', () => {}) // The query rejects with the same error.
  try {
    await client.connect()
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

function pidOf(files: string): number | null {
  try {
    return Number.parseInt(readFileSync(join(files, 'postmaster.pid'), 'utf8'), 10) || null
  } catch {
    return null // No pid file: the server shut down cleanly or never ran.
  }
}

function urlOf({ port, password }: PostgresRecord, name = database): string {
  return `postgres://searchlight:${password}@127.0.0.1:${port}/${name}`
}

function recordPath(options: ServiceOptions): string {
  return join(options.dataDir, 'postgres.json')
}
