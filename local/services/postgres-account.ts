import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CannotStart } from '../cannot-start.ts'
import { findProgram } from './find-program.ts'

const run = promisify(execFile)

export interface Account {
  uid: number
  gid: number
}

/**
 * The user that PostgreSQL runs as: our own (null), or, since PostgreSQL refuses to run as root,
 * `postgres` or a system user created for it.
 * @throws {CannotStart}
 */
export async function postgresAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  const known = (await find('postgres')) ?? (await find('searchlight'))
  if (known !== null) return known
  const useradd = findProgram('useradd')
  // If it fails, the user is still missing and the error below says what to do.
  if (useradd !== null)
    await run(useradd, [
      '--system',
      '--no-create-home',
      '--shell',
      '/usr/sbin/nologin',
      'searchlight',
    ]).catch(() => {})
  const created = await find('searchlight')
  if (created !== null) return created
  throw new CannotStart(
    'PostgreSQL refuses to run as root. Start Searchlight as an ordinary user, or set DATABASE_URL.',
  )
}

/** An account as options of `spawn`. */
export function ids(account: Account | null): { uid?: number; gid?: number } {
  return account === null ? {} : { uid: account.uid, gid: account.gid }
}

async function find(name: string): Promise<Account | null> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, name])).stdout)),
    )
    return uid === undefined || gid === undefined ? null : { uid, gid }
  } catch {
    return null // `id` knows no such user.
  }
}
