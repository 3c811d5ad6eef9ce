import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readTarget } from '../../pages/link-target.ts'
import type { Dataset, ReaderOptions, SourceItem } from '../../source.ts'
import { BadSource } from '../files/bad-source.ts'
import { cannotRead, inspectImport } from '../files/import-file.ts'
import { readTable } from '../files/read-table.ts'
import { exportsAt, type TableFile } from './console-files.ts'
import { type Property, readRow } from './console-rows.ts'
import {
  type Recognised,
  recogniseTables,
  type TableHead,
  type TableKind,
} from './console-tables.ts'

export interface SearchConsoleOptions {
  /** An exported archive, one of its tables, or a folder of both. */
  path: string
  /** `sc-domain:example.com`, `https://www.example.com/` or `example.com`. */
  property: string
  name?: string | undefined
  /** Declares that a single table holds queries. Ignored for archives and folders. */
  table?: 'queries' | undefined
}

/** How many rows are read to recognise a table. */
const headRows = 1_000

const wanted: readonly TableKind[] = [
  'queries',
  'referring domains',
  'latest links',
  'linking pages',
]

/**
 * Reads Search Console exports in any language: queries, referring domains and linking pages.
 * @throws {BadSource} if the property is not a public address or the path can't be read. Reading
 * throws it if files are damaged or not recognised.
 */
export async function searchConsoleSource({
  path,
  property,
  name,
  table,
}: SearchConsoleOptions): Promise<Dataset> {
  const owned = readProperty(property)
  return {
    name: name ?? `search-console:${owned.name}`,
    kind: 'search-console',
    bytes: await sizeAt(path),
    items: (options) => itemsOf({ path, property: owned, declared: table }, options),
  }
}

/** @throws {BadSource} */
function readProperty(text: string): Property & { name: string } {
  const domain = text.trim().replace(/^sc-domain:/i, '')
  const reading = readTarget(domain)
  if (!reading.ok) throw new BadSource(`This property can’t be used. ${reading.reason}`)
  const { site, text: shortUrl } = reading.target
  if (/^https?:\/\//i.test(domain)) {
    const url = new URL(domain).href
    return { url, site, name: url }
  }
  return { url: `https://${shortUrl}/`, site, name: shortUrl }
}

async function* itemsOf(
  {
    path,
    property,
    declared,
  }: { path: string; property: Property; declared: 'queries' | undefined },
  { signal, onProgress }: ReaderOptions,
): AsyncGenerator<SourceItem> {
  const doubts: string[] = []
  let hasRecognised = false
  let done = 0
  const onBytes = (bytes: number) => {
    done += bytes
    onProgress({ done, total: null, unit: 'bytes' })
  }
  for await (const { from, tables, others, close } of exportsAt(path, signal)) {
    try {
      const heads: TableHead[] = []
      for (const file of tables)
        heads.push({ name: basename(file.name), rows: await headOf(file, signal) })
      for (const other of others) yield { remark: `Skipped ${other}: it is not a table.` }
      const recognition = {
        inOrder: from === 'archive',
        declared: from === 'file' ? declared : undefined,
      }
      for (const [at, found] of recogniseTables(heads, recognition).entries()) {
        const file = tables[at]
        if (!file) continue
        if ('doubt' in found) doubts.push(`${file.name}: ${found.doubt}`)
        else if (wanted.includes(found.kind)) {
          hasRecognised = true
          yield* rowsOf(file, found, { property, signal, onBytes })
        } else yield { remark: `Nothing to index in ${file.name}: it holds ${found.kind}.` }
      }
    } finally {
      close()
    }
  }
  if (doubts.length > 0 && !hasRecognised) {
    const advice = 'If it holds queries, name the file Queries.csv or import the whole archive.'
    throw new BadSource(
      `${basename(path)} can’t be imported: ${doubts.slice(0, 5).join('; ')}. ${advice}`,
    )
  }
  for (const doubt of doubts) yield { remark: `Skipped ${doubt}.` }
}

async function headOf(file: TableFile, signal: AbortSignal): Promise<string[][]> {
  const rows: string[][] = []
  for await (const line of readTable(bytesOf(file), { name: file.name, signal })) {
    if ('cells' in line) rows.push(line.cells)
    if (rows.length > headRows) break
  }
  return rows
}

async function* rowsOf(
  file: TableFile,
  found: Exclude<Recognised, { doubt: string }>,
  {
    property,
    signal,
    onBytes,
  }: { property: Property; signal: AbortSignal; onBytes: (bytes: number) => void },
): AsyncGenerator<SourceItem> {
  let isHeader = found.hasHeader
  for await (const line of readTable(bytesOf(file, onBytes), { name: file.name, signal })) {
    const place = `${file.name}, line ${line.line}`
    if ('bad' in line) yield { bad: { place, reason: line.bad } }
    else if (isHeader) isHeader = false
    else {
      const item = readRow(line.cells, found, { property, modifiedAt: file.modifiedAt })
      yield typeof item === 'string' ? { bad: { place, reason: item } } : item
    }
  }
}

/** @throws {BadSource} if the table is in an archive and damaged. */
async function* bytesOf(
  file: TableFile,
  onBytes?: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const stream = await file.open()
  try {
    for await (const chunk of stream) {
      yield chunk
      onBytes?.(chunk.length)
    }
  } catch (cause) {
    throw cannotRead(file.name, cause, 'it is damaged')
  } finally {
    stream.destroy()
  }
}

/** The size of a file, or of the files directly in a folder. */
async function sizeAt(path: string): Promise<number> {
  const found = await inspectImport(path)
  if (!found.isDirectory()) return found.size
  let bytes = 0
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isFile()) bytes += (await inspectImport(join(path, entry.name))).size
  return bytes
}
