import { mkdtempSync, rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder of the running test, removed when it has finished. */
export async function tempDir(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'searchlight-'))
  await chmod(folder, 0o711) // As root, PostgreSQL runs as another user, who has to get in.
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }))
  return folder
}
