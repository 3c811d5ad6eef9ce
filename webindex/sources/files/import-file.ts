import type { Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { BadSource } from './bad-source.ts'
import { shown } from './shown.ts'
import { systemErrorCode } from './system-error-code.ts'

/** @throws {BadSource} if the path can't be read or is neither a file nor a folder. */
export async function inspectImport(path: string): Promise<Stats> {
  const found = await stat(path).catch((cause) => {
    throw cannotRead(basename(path), cause)
  })
  if (found.isFile() || found.isDirectory()) return found
  throw new BadSource(`${basename(path)} can’t be imported: it is neither a file nor a folder.`)
}

/** The first bytes of a file as latin1 text, to recognise its format. @throws {BadSource} */
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
 * Turns a failure to read or decompress a file into a BadSource. The messages of file system errors
 * contain paths of this machine, so only their code is shown.
 * @param how what is wrong, as a clause: `it is damaged`.
 */
export function cannotRead(name: string, cause: unknown, how = 'it can’t be read'): unknown {
  if (cause instanceof BadSource || !(cause instanceof Error)) return cause
  const detail = systemErrorCode(cause) ?? shown(cause.message, 120)
  return new BadSource(`${name} can’t be imported: ${how} (${detail}).`, { cause })
}
