import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Where package managers put programs; a PATH handed down by a service or an editor often lacks
 * them.
 */
const usual = [
  '/usr/local/bin',
  '/usr/bin',
  '/usr/sbin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/redis/bin',
  '/usr/local/opt/redis/bin',
]

/** The full path of a program; null when this machine has none. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...usual]
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
