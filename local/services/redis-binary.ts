import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { CannotStart } from '../cannot-start.ts'
import { findProgram } from './find-program.ts'
import { installPackage } from './install-package.ts'

const run = promisify(execFile)
const names = ['redis-server', 'valkey-server']
const oldestVersion = [6, 2] as const

/**
 * The path of this machine's Redis (6.2 or later) or Valkey. If there is none, it is installed with
 * the system's package manager where that is possible.
 * @throws {CannotStart} saying what to install.
 */
export async function redisBinary(say: (sentence: string) => void): Promise<string> {
  const found = await findNewEnough()
  if (found !== null) return found
  if (await installPackage('redis-server', say)) {
    await stopSystemService()
    const installed = await findNewEnough()
    if (installed !== null) return installed
  }
  throw new CannotStart(
    `Searchlight needs Redis 6.2 or later, or Valkey. ${howToInstall()}, or set REDIS_URL to a running one.`,
  )
}

async function findNewEnough(): Promise<string | null> {
  for (const name of names) {
    const path = findProgram(name)
    if (path === null) continue
    const { stdout } = await run(path, ['--version'])
    if (isNewEnough(stdout)) return path
  }
  return null
}

/** @param version as Redis prints it: `Redis server v=7.0.15 sha=…` or `Valkey server v=8.1.0 …`. */
export function isNewEnough(version: string): boolean {
  const [, major, minor] = /v=(\d+)\.(\d+)/.exec(version) ?? []
  if (major === undefined) return false
  return (
    Number(major) > oldestVersion[0] ||
    (Number(major) === oldestVersion[0] && Number(minor) >= oldestVersion[1])
  )
}

function howToInstall(): string {
  if (process.platform === 'darwin') return 'Install it with `brew install redis`'
  if (findProgram('apt-get')) return 'Install it with `sudo apt-get install redis-server`'
  if (findProgram('dnf')) return 'Install it with `sudo dnf install valkey`'
  return "Install it with your system's package manager"
}

/** Stops the Redis service that Debian starts on installation: only the program is needed. */
async function stopSystemService(): Promise<void> {
  if (existsSync('/run/systemd/system'))
    await run('systemctl', ['disable', '--now', 'redis-server'])
  else if (findProgram('service')) await run('service', ['redis-server', 'stop'])
}
