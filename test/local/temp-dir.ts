import { mkdtempSync, rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { inject, onTestFinished } from 'vitest'

/**
 * A folder of the running test, removed when it has finished. What a killed run has started with it
 * is ended by the next run.
 */
export async function tempDir(): Promise<string> {
  const folder = mkdtempSync(join(inject('runDir'), 'test-'))
  await chmod(folder, 0o711) // As root, PostgreSQL runs as another user, who has to get in.
  onTestFinished(() =>
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  )
  return folder
}
