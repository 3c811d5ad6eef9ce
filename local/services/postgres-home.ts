import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { chmod, chown, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CannotStart } from '../cannot-start.ts'
import { findProgram } from './find-program.ts'
import { type Account, ids, postgresAccount } from './postgres-account.ts'

const run = promisify(execFile)

/**
 * The folder for PostgreSQL's data, and the account that runs it. The folder is the data folder if
 * the account can enter it. If it cannot, as below `/root`, it is a folder in /var/lib named for the
 * data folder.
 */
export async function postgresHome(
  dataDir: string,
): Promise<{ home: string; account: Account | null }> {
  const isRoot = process.getuid?.() === 0
  const fallback = fallbackHome(dataDir)
  // An existing database keeps its place and its owner, even if users and permissions of this
  // machine have changed.
  for (const home of isRoot ? [dataDir, fallback] : [dataDir]) {
    const existing = statSync(join(home, 'postgres'), { throwIfNoEntry: false })
    if (existing !== undefined)
      return { home, account: isRoot ? { uid: existing.uid, gid: existing.gid } : null }
  }
  const account = await postgresAccount()
  if (await canEnter(account, dataDir)) return { home: dataDir, account }
  await mkdir(fallback, { recursive: true, mode: 0o711 })
  await Promise.all([join(fallback, '..'), fallback].map((folder) => chmod(folder, 0o711)))
  return { home: fallback, account }
}

function fallbackHome(dataDir: string): string {
  return join(
    '/var/lib/searchlight',
    createHash('sha256').update(dataDir).digest('hex').slice(0, 16),
  )
}

async function canEnter(account: Account | null, folder: string): Promise<boolean> {
  if (account === null) return true
  const test = findProgram('test')
  if (test === null) return false
  try {
    await run(test, ['-x', folder], { ...ids(account), cwd: '/' })
    return true
  } catch {
    return false
  }
}

/**
 * Creates an empty database cluster in `<home>/postgres`: under a temporary name, then renamed, so
 * that it is complete or absent.
 * @throws {CannotStart}
 */
export async function initialize(
  bin: string,
  home: string,
  password: string,
  account: Account | null,
): Promise<void> {
  const tmp = join(home, 'postgres.new')
  const passwordFile = join(tmp, 'password')
  const cluster = join(tmp, 'cluster')
  await rm(tmp, { recursive: true, force: true })
  await mkdir(tmp, { mode: 0o700 })
  try {
    await writeFile(passwordFile, password, { mode: 0o600 })
    if (account !== null)
      await Promise.all([tmp, passwordFile].map((path) => chown(path, account.uid, account.gid)))
    await run(
      join(bin, 'initdb'),
      [
        `--pgdata=${cluster}`,
        `--pwfile=${passwordFile}`,
        '--username=searchlight',
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Sorting and case mapping do not depend on the locales of this machine.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
      ],
      { ...ids(account), cwd: '/', env: postgresEnvironment },
    )
    await rename(cluster, join(home, 'postgres'))
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new CannotStart(
      `PostgreSQL could not create its database in ${home}: ${stderr || String(error)}`,
    )
  } finally {
    await rm(tmp, { recursive: true, force: true })
  }
}

/**
 * A clean environment: the user's PG… variables refer to another database. NODE_ENV is here only
 * because Next's types require it everywhere.
 */
export const postgresEnvironment: NodeJS.ProcessEnv = {
  NODE_ENV: process.env.NODE_ENV,
  PATH: process.env.PATH,
  LC_ALL: 'C',
  TZ: 'UTC',
}
