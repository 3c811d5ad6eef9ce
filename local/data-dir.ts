import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { writePrivate } from './services/private-file.ts'

export const projectDir = resolve(import.meta.dirname, '..')

type Environment = Record<string, string | undefined>

/**
 * The folder of all persistent data: `DATA_DIR`, else `.data` in the project. Created if it is
 * missing.
 */
export function openDataDir(environment: Environment): string {
  const folder = resolve(projectDir, environment.DATA_DIR || '.data')
  // Other users may enter the folder but not list it: if we run as root, PostgreSQL runs as another
  // user, whose files are in here. Each file with a secret is 0600.
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  return folder
}

export function indexDir(dataDir: string, environment: Environment): string {
  return environment.INDEX_DIR ? resolve(projectDir, environment.INDEX_DIR) : join(dataDir, 'index')
}

/** The folder in which admins put files to import into the index. */
export function importDir(dataDir: string, environment: Environment): string {
  return environment.IMPORT_DIR
    ? resolve(projectDir, environment.IMPORT_DIR)
    : join(dataDir, 'import')
}

/**
 * The secret that signs sessions: `AUTH_SECRET`, else one generated at the first start and stored in
 * a file that only its owner can read.
 */
export function authSecret(dataDir: string, environment: Environment): string {
  if (environment.AUTH_SECRET) return environment.AUTH_SECRET
  const path = join(dataDir, 'auth-secret')
  if (!existsSync(path)) writePrivate(path, randomBytes(32).toString('base64url'))
  return readFileSync(path, 'utf8').trim()
}
