import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { z } from 'zod'

/** Writes a file atomically. Only its owner can read it: these files hold passwords. */
export function writePrivate(path: string, text: string): void {
  const tmp = `${path}.${process.pid}`
  rmSync(tmp, { force: true })
  writeFileSync(tmp, text, { mode: 0o600, flag: 'wx' })
  renameSync(tmp, path)
}

export function writeRecord<T>(path: string, record: T): void {
  writePrivate(path, `${JSON.stringify(record, null, 2)}\n`)
}

/** Null if there is no such file or its format is that of another version. */
export function readRecord<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): z.output<Schema> | null {
  if (!existsSync(path)) return null
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null
  }
}
