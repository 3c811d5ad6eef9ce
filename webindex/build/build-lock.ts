import { join } from 'node:path'
import { LockHeld, takeLock } from '#processes/lock-file.ts'
import { BuildRunning } from '../errors.ts'

/**
 * Allows one build at a time in an index folder, also where machines share it. The lock of a killed
 * build is taken over.
 * @returns what releases the lock.
 * @throws {BuildRunning}
 */
export async function takeBuildLock(dir: string): Promise<() => Promise<void>> {
  const lockFile = join(dir, 'build.lock')
  try {
    const { release } = await takeLock(lockFile)
    return release
  } catch (error) {
    if (error instanceof LockHeld) throw new BuildRunning(error.lock.owner, lockFile)
    throw error
  }
}
