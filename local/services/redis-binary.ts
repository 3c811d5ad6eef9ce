import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { CannotStart } from '../cannot-start.ts'
import { findProgram } from './find-program.ts'
import { installPackage } from './install-package.ts'

const run = promisify(execFile)
const names = ['redis-server', 'valkey-server']
const oldest = [6, 2] as const

/**
 * A Redis (6.2 or later) or Valkey of this machine; installed by the system's package manager where
 * we may.
 * @throws {CannotStart} saying what to install.
 */
export async function redisBinary(say: (sentence: string) => void): Promise<string> {
  const found = await newEnough()
  if (found !== null) return found
  if (await installPackage('redis-server', say)) {
    await quietSystemService()
    const installed = await newEnough()
    if (installed !== null) return installed
  }
  throw new CannotStart(
    `Searchlight needs Redis 6.2 or later, or Valkey. ${howToInstall()}, or set REDIS_URL to one that runs elsewhere.`,
  )
}

async function newEnough(): Promise<string | null> {
  for (const name of names) {
    const path = findProgram(name)
    if (path === null) continue
    const { stdout } = await run(path, ['--version'])
    if (isNewEnough(stdout)) return path
  }
  return null
}

/** @param version as printed: `Redis server v=7.0.15 sha=…` or `Valkey server v=8.1.0 …`. */
export function isNewEnough(version: string): boolean {
  const [, major, minor] = /v=(\d+)\.(\d+)/.exec(version) ?? []
  if (major === undefined) return false
  return Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1])
}

function howToInstall(): string {
  if (process.platform === 'darwin') return 'Install it with `brew install redis`'
  if (findProgram('apt-get')) return 'Install it with `sudo apt-get install redis-server`'
  if (findProgram('dnf')) return 'Install it with `sudo dnf install valkey`'
  return "Install it with your system's package manager"
}

/** Debian starts a Redis of its own when the package comes; we asked for the program only. */
async function quietSystemService(): Promise<void> {
  if (existsSync('/run/systemd/system'))
    await run('systemctl', ['disable', '--now', 'redis-server'])
  else if (findProgram('service')) await run('service', ['redis-server', 'stop'])
}
