import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { IndexedSource } from '../manifest.ts'
import type { BadRow, Dataset, ReadProgress } from '../source.ts'
import { type ExtractName, extractNames, openRows, type RowsRead } from './source-rows.ts'
import { quoted, type Staging } from './staging.ts'

export interface Extracted {
  files: IndexedSource['files']
  read: RowsRead
  samples: BadRow[]
  remarks: string[]
}

/**
 * Characters that wait in the staging until they are set aside as files: more would fill memory, or
 * block the process when DuckDB moves them out of it.
 */
const setAsideAt = 32_000_000
/** Rows with whole texts in them. */
const textRowGroup = 2_048

/**
 * Reads a source to its end and writes its rows as Parquet files of its own:
 * `source-<uuid>-pages.parquet`.
 */
export async function extractSource(
  source: Dataset,
  options: { staging: Staging; signal: AbortSignal; onProgress(progress: ReadProgress): void },
): Promise<Extracted> {
  const { staging, signal, onProgress } = options
  await mkdir(staging.asideFolder, { recursive: true })
  const rows = await openRows(staging, { place: source.name, signal })
  const pieces: Pieces = { pages: [], links: [], queries: [], edges: [], ranks: [], reported: [] }
  const setAside = async () => {
    rows.flush()
    await writePieces(staging, rows.read, pieces)
    await rows.empty()
  }
  try {
    for await (const item of source.items({ signal, onProgress })) {
      await rows.add(item)
      if (rows.held >= setAsideAt) await setAside()
    }
    signal.throwIfAborted()
    await setAside()
  } finally {
    await rows.close()
  }
  const files = await joinPieces(staging, pieces)
  await rm(staging.asideFolder, { recursive: true, force: true })
  return { files, read: rows.read, samples: rows.samples, remarks: [...rows.remarks] }
}

/** Files with the rows of each table, in the order in which they were read. */
type Pieces = Record<ExtractName, string[]>

async function writePieces(staging: Staging, read: RowsRead, pieces: Pieces): Promise<void> {
  for (const table of extractNames) {
    if (read[table] === 0) continue
    const file = join(staging.asideFolder, `${table}-${pieces[table].length}.parquet`)
    await staging.run(
      `COPY ${table} TO ${quoted(file)} (FORMAT parquet, ROW_GROUP_SIZE ${textRowGroup})`,
    )
    pieces[table].push(file)
  }
}

async function joinPieces(staging: Staging, pieces: Pieces): Promise<IndexedSource['files']> {
  const files: IndexedSource['files'] = {}
  const all = (table: ExtractName) => `read_parquet([${pieces[table].map(quoted).join(', ')}])`
  // Of a page that came twice the last one counts, and its links.
  const last = `WHERE n IN (SELECT max(n) FROM ${all('pages')} GROUP BY key)`
  // They stay for as many generations as the source does, beside those of sources that were read at
  // another time.
  const id = randomUUID()
  for (const table of extractNames) {
    if (pieces[table].length === 0) continue
    const rows = `FROM ${all(table)} ${table === 'pages' || table === 'links' ? last : ''}`
    files[table] = await staging.copy(
      `source-${id}-${table}`,
      rows,
      table === 'pages' ? { rowGroup: textRowGroup } : {},
    )
  }
  return files
}
