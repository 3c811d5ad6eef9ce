import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { z } from 'zod'

/** Written whole or not at all, and readable by its owner alone: these files hold passwords. */
export function writePrivate(path: string, text: string): void {
  const draft = `${path}.${process.pid}`
  rmSync(draft, { force: true })
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
  renameSync(draft, path)
}

export function writeRecord<T>(path: string, record: T): void {
  writePrivate(path, `${JSON.stringify(record, null, 2)}\n`)
}

/** Null when there is no such file, or one that another version of this program has written. */
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
