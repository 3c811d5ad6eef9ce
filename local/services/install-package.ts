import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CannotStart } from '../cannot-start.ts'
import { findProgram } from './find-program.ts'

const run = promisify(execFile)

/**
 * Installs a package with apt-get, if it is available and we are root.
 * @returns false, without any change, if it is not.
 * @throws {CannotStart} if apt-get fails.
 */
export async function installPackage(
  name: string,
  say: (sentence: string) => void,
): Promise<boolean> {
  const apt = findProgram('apt-get')
  if (apt === null || process.getuid?.() !== 0) return false
  say(`Installing ${name} with apt-get…`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await run(apt, ['update', '-qq'], { env })
    await run(apt, ['install', '-y', '-qq', '--no-install-recommends', name], {
      env,
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (error) {
    const reason =
      error instanceof Error && 'stderr' in error
        ? String(error.stderr).trim().split('\n').at(-1)
        : String(error)
    throw new CannotStart(
      `${name} could not be installed: ${reason}. Install it yourself and try again.`,
    )
  }
  return true
}
