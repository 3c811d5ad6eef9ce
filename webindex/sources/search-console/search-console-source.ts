import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readTarget } from '../../pages/link-target.ts'
import type { Dataset, ReaderOptions, SourceItem } from '../../source.ts'
import { BadSource } from '../bad-source.ts'
import { cannotRead, inspectImport } from '../import-file.ts'
import { readTable } from '../read-table.ts'
import { exportsAt, type TableFile } from './console-files.ts'
import { type Property, readRow } from './console-rows.ts'
import {
  type Recognised,
  recogniseTables,
  type TableHead,
  type TableKind,
} from './console-tables.ts'

export interface SearchConsoleOptions {
  /** An exported archive, one table of it, or a folder of both. */
  path: string
  /** `sc-domain:example.com`, `https://www.example.com/` or `example.com`. */
  property: string
  name?: string | undefined
  /**
   * Of a single table: its words are queries, whatever they look like. Says nothing of archives and
   * folders.
   */
  table?: 'queries' | undefined
}

/** So many rows are looked at to say what a table is. */
const headRows = 1_000

const wanted: readonly TableKind[] = ['queries', 'linking sites', 'latest links', 'linking pages']

/**
 * What Search Console tells of a property: queries, linking sites and linking pages, out of exports
 * in any language.
 * @throws {BadSource} when the property is not a public address or nothing is there; so does
 * reading, where files are damaged or not understood.
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
    items: (options) => itemsOf({ path, property: owned, told: table }, options),
  }
}

/** @throws {BadSource} */
function readProperty(written: string): Property & { name: string } {
  const domain = written.trim().replace(/^sc-domain:/i, '')
  const reading = readTarget(domain)
  if (!reading.ok) throw new BadSource(`The property: ${reading.reason}`)
  const { site, text } = reading.target
  if (/^https?:\/\//i.test(domain)) {
    const url = new URL(domain).href
    return { url, site, name: url }
  }
  return { url: `https://${text}/`, site, name: text }
}

async function* itemsOf(
  { path, property, told }: { path: string; property: Property; told: 'queries' | undefined },
  { signal, onProgress }: ReaderOptions,
): AsyncGenerator<SourceItem> {
  const doubts: string[] = []
  let understood = false
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
      for (const other of others) yield { remark: `${other} is no table and was not opened.` }
      const recognition = { inOrder: from === 'archive', told: from === 'file' ? told : undefined }
      for (const [at, found] of recogniseTables(heads, recognition).entries()) {
        const file = tables[at]
        if (!file) continue
        if ('doubt' in found) doubts.push(`${file.name}: ${found.doubt}`)
        else if (wanted.includes(found.kind)) {
          understood = true
          yield* rowsOf(file, found, { property, signal, onBytes })
        } else yield { remark: `${file.name} holds ${found.kind}: nothing for the index.` }
      }
    } finally {
      close()
    }
  }
  if (doubts.length > 0 && !understood) {
    const what = 'If it holds queries, import it alone and say so (table: queries)'
    throw new BadSource(
      `${basename(path)} can’t be imported: ${doubts.slice(0, 5).join('; ')}. ${what}.`,
    )
  }
  for (const doubt of doubts) yield { remark: `Passed over ${doubt}.` }
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

/** @throws {BadSource} where a packed table is damaged. */
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

/** Bytes of a file, or of those right in a folder. */
async function sizeAt(path: string): Promise<number> {
  const found = await inspectImport(path)
  if (!found.isDirectory()) return found.size
  let bytes = 0
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isFile()) bytes += (await inspectImport(join(path, entry.name))).size
  return bytes
}
