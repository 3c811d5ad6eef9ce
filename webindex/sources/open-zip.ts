import type { Readable } from 'node:stream'
import yauzl from 'yauzl'
import { BadSource } from './bad-source.ts'
import { cannotRead } from './import-file.ts'
import { shown } from './shown.ts'

const MiB = 1024 ** 2
const limits = {
  entries: 1_000,
  entryBytes: 256 * MiB,
  totalBytes: 1024 * MiB,
  ratio: 200,
  ratioFrom: MiB,
}

const damaged = 'as an archive it is damaged'

/** A file in an archive. Its name is shown, and never used as a path. */
export interface ZipEntry {
  name: string
  modifiedAt: Date
  /** Decompressed, as the archive says; reading more than that fails. */
  bytes: number
  /** @throws {BadSource} where it is encrypted or packed in an unknown way. */
  open(): Promise<Readable>
}

export interface OpenZip {
  /** In the archive's order; folders and a Mac's hidden copies are left out. */
  entries: ZipEntry[]
  close(): void
}

/**
 * Reads the contents of an archive and refuses what is not bounded before anything is decompressed.
 * @param name of the archive, for errors. @throws {BadSource}
 */
export async function openZip(path: string, name: string, signal: AbortSignal): Promise<OpenZip> {
  const zip = await yauzl.openPromise(path, { autoClose: false }).catch((error) => {
    throw cannotRead(name, error, damaged)
  })
  try {
    const entries: ZipEntry[] = []
    let total = 0
    if (zip.entryCount > limits.entries)
      throw new BadSource(`${name} can’t be imported: it holds more than ${limits.entries} files.`)
    for await (const entry of zip.eachEntry()) {
      signal.throwIfAborted()
      if (entry.fileName.endsWith('/') || entry.fileName.startsWith('__MACOSX/')) continue
      total += entry.uncompressedSize
      const excess = excessOf(entry, total)
      if (excess)
        throw new BadSource(
          `${name} can’t be imported: “${shown(entry.fileName)}” in it ${excess}.`,
        )
      entries.push({
        name: shown(entry.fileName, 100),
        modifiedAt: entry.getLastModDate(),
        bytes: entry.uncompressedSize,
        open: () => openEntry(zip, entry, name),
      })
    }
    return { entries, close: () => zip.close() }
  } catch (error) {
    zip.close()
    signal.throwIfAborted()
    throw cannotRead(name, error, damaged)
  }
}

function excessOf({ uncompressedSize, compressedSize }: yauzl.Entry, total: number): string | null {
  if (uncompressedSize > limits.entryBytes) return 'unpacks to more than 256 MiB'
  if (total > limits.totalBytes) return 'brings what the archive unpacks to above 1 GiB'
  if (uncompressedSize > limits.ratioFrom && uncompressedSize > compressedSize * limits.ratio)
    return `unpacks to more than ${limits.ratio} times its size, as no table does`
  return null
}

async function openEntry(zip: yauzl.ZipFile, entry: yauzl.Entry, name: string): Promise<Readable> {
  const inside = `“${shown(entry.fileName)}” in it`
  if (entry.isEncrypted()) throw new BadSource(`${name} can’t be imported: ${inside} is encrypted.`)
  if (!entry.canDecodeFileData())
    throw new BadSource(
      `${name} can’t be imported: ${inside} is packed in a way that is not supported.`,
    )
  return zip.openReadStreamPromise(entry).catch((error) => {
    throw cannotRead(name, error, damaged)
  })
}
