import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { BadSource } from '../files/bad-source.ts'
import { firstBytes, inspectImport } from '../files/import-file.ts'
import { openZip } from '../files/open-zip.ts'

/** A table in an export, not opened yet. */
export interface TableFile {
  /** For people: the name within the archive or folder. */
  name: string
  modifiedAt: Date
  /** Decompressed size. */
  bytes: number
  open(): Promise<Readable>
}

export interface ExportedTables {
  /**
   * The tables of an archive were exported together and are in the order in which Search Console
   * wrote them. The tables of a folder come one at a time.
   */
  from: 'archive' | 'folder' | 'file'
  tables: TableFile[]
  /** Names of files that are not tables. */
  others: string[]
  close(): void
}

const isTable = (name: string) => /\.(csv|tsv|txt)$/i.test(name)
const maxFiles = 1_000
/** Search Console writes seven. The first rows of all tables are held in memory together. */
const maxTables = 50

/**
 * The exports at a path, one by one: an archive, a table, or a folder of both. Skips subfolders and
 * symbolic links.
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
      : singly('file', [await tableFile(path, name)])
    return
  }
  const found = await readdir(path, { withFileTypes: true })
  if (found.length > maxFiles)
    throw new BadSource(`${name} can’t be imported: the folder holds more than ${maxFiles} files.`)
  const others: string[] = []
  for (const entry of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = join(path, entry.name)
    // A link could lead out of the folder that imports are read from.
    if (!entry.isFile()) others.push(entry.name)
    else if (await isZip(file)) yield await archive(file, entry.name, `${entry.name}/`, signal)
    else if (isTable(entry.name)) yield singly('folder', [await tableFile(file, entry.name)])
    else others.push(entry.name)
  }
  yield singly('folder', [], others)
}

const singly = (
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
  if (tables.length > maxTables) {
    close()
    throw new BadSource(
      `${name} can’t be imported: it holds more than ${maxTables} tables, so it is not a Search Console export.`,
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

/** Checks the first bytes, since downloads are often renamed. */
async function isZip(path: string): Promise<boolean> {
  return ['PK\u0003\u0004', 'PK\u0005\u0006'].includes(await firstBytes(path, 4))
}
