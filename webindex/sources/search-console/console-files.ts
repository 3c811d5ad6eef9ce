import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { BadSource } from '../bad-source.ts'
import { firstBytes, inspectImport } from '../import-file.ts'
import { openZip } from '../open-zip.ts'

/** A table of an export, not opened yet. */
export interface TableFile {
  /** For people: the name within the archive or folder. */
  name: string
  modifiedAt: Date
  /** Size of its text. */
  bytes: number
  open(): Promise<Readable>
}

export interface ExportedTables {
  /**
   * Tables of an archive were exported together, and stand in the order in which Search Console
   * wrote them. Those of a folder come one by one.
   */
  from: 'archive' | 'folder' | 'file'
  tables: TableFile[]
  /** Names of what else there is and is not looked at. */
  others: string[]
  close(): void
}

const isTable = (name: string) => /\.(csv|tsv|txt)$/i.test(name)
const mostFiles = 1_000
/** Search Console writes seven. The beginnings of all are looked at together. */
const mostTables = 50

/**
 * The exports at a path, one after the other: an archive, a table, or a folder of both (its own
 * folders and symbolic links are passed over).
 * @throws {BadSource}
 */
export async function* exportsAt(
  path: string,
  signal: AbortSignal,
): AsyncGenerator<ExportedTables> {
  const name = basename(path)
  if (!(await inspectImport(path)).isDirectory()) {
    yield (await isZip(path))
      ? await archive(path, name, '', signal)
      : loose('file', [await tableFile(path, name)])
    return
  }
  const found = await readdir(path, { withFileTypes: true })
  if (found.length > mostFiles)
    throw new BadSource(`${name} can’t be imported: the folder holds more than ${mostFiles} files.`)
  const others: string[] = []
  for (const entry of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = join(path, entry.name)
    // A link could lead out of the folder that imports are read from.
    if (!entry.isFile()) others.push(entry.name)
    else if (await isZip(file)) yield await archive(file, entry.name, `${entry.name}/`, signal)
    else if (isTable(entry.name)) yield loose('folder', [await tableFile(file, entry.name)])
    else others.push(entry.name)
  }
  yield loose('folder', [], others)
}

const loose = (
  from: 'folder' | 'file',
  tables: TableFile[],
  others: string[] = [],
): ExportedTables => ({
  from,
  tables,
  others,
  close() {},
})

async function archive(
  path: string,
  name: string,
  prefix: string,
  signal: AbortSignal,
): Promise<ExportedTables> {
  const { entries, close } = await openZip(path, name, signal)
  const named = entries.map((entry) => ({ ...entry, name: `${prefix}${entry.name}` }))
  const tables = named.filter((entry) => isTable(entry.name))
  if (tables.length > mostTables) {
    close()
    throw new BadSource(
      `${name} can’t be imported: it holds more than ${mostTables} tables, so it is no export of Search Console.`,
    )
  }
  return {
    from: 'archive',
    tables,
    others: named.filter((entry) => !isTable(entry.name)).map((entry) => entry.name),
    close,
  }
}

async function tableFile(path: string, name: string): Promise<TableFile> {
  const { size, mtime } = await inspectImport(path)
  return { name, modifiedAt: mtime, bytes: size, open: async () => createReadStream(path) }
}

/** By its first bytes: names of downloads change. */
async function isZip(path: string): Promise<boolean> {
  return ['PK\u0003\u0004', 'PK\u0005\u0006'].includes(await firstBytes(path, 4))
}
