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
 * The folder that holds PostgreSQL's data, and who runs it. That is the data folder itself, where
 * this account can go there. Below a folder that only root may enter (as `/root` is) it cannot;
 * then it is one under /var/lib that belongs to this data folder.
 */
export async function postgresHome(
  dataDir: string,
): Promise<{ home: string; account: Account | null }> {
  const isRoot = process.getuid?.() === 0
  const elsewhere = outsideHome(dataDir)
  // Once made, the data stay where they are and whose they are, though rights and users of this
  // machine may have changed.
  for (const home of isRoot ? [dataDir, elsewhere] : [dataDir]) {
    const made = statSync(join(home, 'postgres'), { throwIfNoEntry: false })
    if (made !== undefined)
      return { home, account: isRoot ? { uid: made.uid, gid: made.gid } : null }
  }
  const account = await postgresAccount()
  if (await canEnter(account, dataDir)) return { home: dataDir, account }
  await mkdir(elsewhere, { recursive: true, mode: 0o711 })
  await Promise.all([join(elsewhere, '..'), elsewhere].map((folder) => chmod(folder, 0o711)))
  return { home: elsewhere, account }
}

function outsideHome(dataDir: string): string {
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
 * Makes an empty database cluster in `<home>/postgres`. It is made under another name and renamed,
 * so that it is whole or absent.
 * @throws {CannotStart}
 */
export async function initialize(
  bin: string,
  home: string,
  password: string,
  account: Account | null,
): Promise<void> {
  const draft = join(home, 'postgres.new')
  const passwordFile = join(draft, 'password')
  const cluster = join(draft, 'cluster')
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  try {
    await writeFile(passwordFile, password, { mode: 0o600 })
    if (account !== null)
      await Promise.all([draft, passwordFile].map((path) => chown(path, account.uid, account.gid)))
    await run(
      join(bin, 'initdb'),
      [
        `--pgdata=${cluster}`,
        `--pwfile=${passwordFile}`,
        '--username=searchlight',
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // The same order and the same letters on every machine, whatever locales it has.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
      ],
      { ...ids(account), cwd: '/', env: postgresEnvironment },
    )
    await rename(cluster, join(home, 'postgres'))
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new CannotStart(
      `PostgreSQL could not make its database in ${home}: ${said || String(error)}`,
    )
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/**
 * Ours alone: PG… variables of the person who starts us mean another database. (NODE_ENV, as Next's
 * types ask for it everywhere.)
 */
export const postgresEnvironment: NodeJS.ProcessEnv = {
  NODE_ENV: process.env.NODE_ENV,
  PATH: process.env.PATH,
  LC_ALL: 'C',
  TZ: 'UTC',
}
