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
 * Who runs PostgreSQL: ourselves (null), or, as it refuses to be run by root, `postgres` or a
 * system user made for it.
 * @throws {CannotStart}
 */
export async function postgresAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  const known = (await find('postgres')) ?? (await find('searchlight'))
  if (known !== null) return known
  const useradd = findProgram('useradd')
  // Should it fail, the user is still missing, and the sentence below says what to do instead.
  if (useradd !== null)
    await run(useradd, [
      '--system',
      '--no-create-home',
      '--shell',
      '/usr/sbin/nologin',
      'searchlight',
    ]).catch(() => {})
  const made = await find('searchlight')
  if (made !== null) return made
  throw new CannotStart(
    'PostgreSQL refuses to run as root. Start Searchlight as an ordinary user, or set DATABASE_URL.',
  )
}

/** What `spawn` takes of an account. */
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
