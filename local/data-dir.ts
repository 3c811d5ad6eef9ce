import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { writePrivate } from './services/private-file.ts'

export const projectDir = resolve(import.meta.dirname, '..')

type Environment = Record<string, string | undefined>

/**
 * The folder of everything that is ours to keep: `DATA_DIR`, else `.data` in the project. Made when
 * missing.
 */
export function openDataDir(environment: Environment): string {
  const folder = resolve(projectDir, environment.DATA_DIR || '.data')
  // Others may pass through but not look around: as root, PostgreSQL's files belong to another
  // user. Secrets are 0600 each.
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  return folder
}

export function indexDir(dataDir: string, environment: Environment): string {
  return environment.INDEX_DIR ? resolve(projectDir, environment.INDEX_DIR) : join(dataDir, 'index')
}

/** Where admins put the files that are to be added to the index. */
export function importDir(dataDir: string, environment: Environment): string {
  return environment.IMPORT_DIR
    ? resolve(projectDir, environment.IMPORT_DIR)
    : join(dataDir, 'import')
}

/**
 * What sessions are signed with: `AUTH_SECRET`, else one made at the first start and kept, readable
 * by the owner alone.
 */
export function authSecret(dataDir: string, environment: Environment): string {
  if (environment.AUTH_SECRET) return environment.AUTH_SECRET
  const path = join(dataDir, 'auth-secret')
  if (!existsSync(path)) writePrivate(path, randomBytes(32).toString('base64url'))
  return readFileSync(path, 'utf8').trim()
}
