import { mkdtempSync, rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { inject, onTestFinished } from 'vitest'

/**
 * A folder for the running test, removed when the test finishes. If the run is killed, the next run
 * kills the processes started with the folder.
 */
export async function tempDir(): Promise<string> {
  const folder = mkdtempSync(join(inject('runDir'), 'test-'))
  await chmod(folder, 0o711) // If we are root, PostgreSQL runs as another user, who must enter.
  onTestFinished(() =>
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  )
  return folder
}
