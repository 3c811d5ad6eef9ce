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

const damaged = 'the archive is damaged'

/** A file in an archive. Its name is only for display, never used as a path. */
export interface ZipEntry {
  name: string
  modifiedAt: Date
  /** Decompressed size, as the archive declares it; reading more than that fails. */
  bytes: number
  /** @throws {BadSource} if the entry is encrypted or its compression method is unknown. */
  open(): Promise<Readable>
}

export interface OpenZip {
  /** In the order of the archive, without folders and the hidden copies that macOS adds. */
  entries: ZipEntry[]
  close(): void
}

/**
 * Reads the directory of an archive. Checks declared sizes and counts before decompressing
 * anything.
 * @param name of the archive, for errors.
 * @throws {BadSource} if the archive is damaged or exceeds a limit.
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
  if (total > limits.totalBytes) return 'and the files before it unpack to more than 1 GiB'
  if (uncompressedSize > limits.ratioFrom && uncompressedSize > compressedSize * limits.ratio)
    return `unpacks to more than ${limits.ratio} times its size, which no table does`
  return null
}

async function openEntry(zip: yauzl.ZipFile, entry: yauzl.Entry, name: string): Promise<Readable> {
  const inside = `“${shown(entry.fileName)}” in it`
  if (entry.isEncrypted()) throw new BadSource(`${name} can’t be imported: ${inside} is encrypted.`)
  if (!entry.canDecodeFileData())
    throw new BadSource(
      `${name} can’t be imported: ${inside} uses an unsupported compression method.`,
    )
  return zip.openReadStreamPromise(entry).catch((error) => {
    throw cannotRead(name, error, damaged)
  })
}
