import type { Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { BadSource } from './bad-source.ts'
import { shown } from './shown.ts'

/**
 * What there is to read.
 * @throws {BadSource} where it is neither a file nor a folder, or can't be read.
 */
export async function inspectImport(path: string): Promise<Stats> {
  const found = await stat(path).catch((cause) => {
    throw cannotRead(basename(path), cause)
  })
  if (found.isFile() || found.isDirectory()) return found
  throw new BadSource(`${basename(path)} can’t be imported: it is neither a file nor a folder.`)
}

/** The first bytes of a file, by which it says what it is. @throws {BadSource} */
export async function firstBytes(path: string, length: number): Promise<string> {
  const file = await open(path).catch((cause) => {
    throw cannotRead(basename(path), cause)
  })
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } catch (cause) {
    throw cannotRead(basename(path), cause)
  } finally {
    await file.close()
  }
}

/**
 * What reading or unpacking a file failed with, for people: errors of the file system name paths of
 * this machine.
 * @param how it can't be read: `it is damaged`.
 */
export function cannotRead(name: string, cause: unknown, how = 'it can’t be read'): unknown {
  if (cause instanceof BadSource || !(cause instanceof Error)) return cause
  const told =
    'syscall' in cause && 'code' in cause ? String(cause.code) : shown(cause.message, 120)
  return new BadSource(`${name} can’t be imported: ${how} (${told}).`, { cause })
}
