import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { IndexedDataset } from '../manifest.ts'
import type { BadRow, Dataset, ReadProgress } from '../source.ts'
import { openRows } from './source-rows.ts'
import { type RowsRead, type SourceTableName, sourceTableNames } from './source-tables.ts'
import { quoted, type Staging } from './staging.ts'

export interface Extracted {
  files: IndexedDataset['files']
  read: RowsRead
  /** The first bad rows. */
  samples: BadRow[]
  remarks: string[]
}

/**
 * Characters in the tables before they are moved to piece files. More would fill the memory, or
 * block the process while DuckDB moves them to disk.
 */
const moveAtChars = 32_000_000
/** Row group of the table of pages, whose rows contain whole texts. */
const textRowGroup = 2_048

/**
 * Reads a dataset to its end and writes its rows to Parquet files of its own,
 * `source-<uuid>-pages.parquet` and so on.
 */
export async function extractSource(
  dataset: Dataset,
  options: { staging: Staging; signal: AbortSignal; onProgress(progress: ReadProgress): void },
): Promise<Extracted> {
  const { staging, signal, onProgress } = options
  await mkdir(staging.tmpFolder, { recursive: true })
  const rows = await openRows(staging, { place: dataset.name, signal })
  const pieces: Pieces = { pages: [], links: [], queries: [], edges: [], ranks: [], reported: [] }
  const moveToPieces = async () => {
    rows.flush()
    await writePieces(staging, rows.read, pieces)
    await rows.empty()
  }
  try {
    for await (const item of dataset.items({ signal, onProgress })) {
      await rows.add(item)
      if (rows.storedChars >= moveAtChars) await moveToPieces()
    }
    signal.throwIfAborted()
    await moveToPieces()
  } finally {
    await rows.close()
  }
  const files = await joinPieces(staging, pieces)
  await rm(staging.tmpFolder, { recursive: true, force: true })
  return { files, read: rows.read, samples: rows.samples, remarks: [...rows.remarks] }
}

/** Temporary files with the rows of each table, in the order in which they were read. */
type Pieces = Record<SourceTableName, string[]>

async function writePieces(staging: Staging, read: RowsRead, pieces: Pieces): Promise<void> {
  for (const table of sourceTableNames) {
    if (read[table] === 0) continue
    const file = join(staging.tmpFolder, `${table}-${pieces[table].length}.parquet`)
    await staging.run(
      `COPY ${table} TO ${quoted(file)} (FORMAT parquet, ROW_GROUP_SIZE ${textRowGroup})`,
    )
    pieces[table].push(file)
  }
}

async function joinPieces(staging: Staging, pieces: Pieces): Promise<IndexedDataset['files']> {
  const files: IndexedDataset['files'] = {}
  const all = (table: SourceTableName) => `read_parquet([${pieces[table].map(quoted).join(', ')}])`
  // If a page was read twice, only the last reading and its links count.
  const last = `WHERE n IN (SELECT max(n) FROM ${all('pages')} GROUP BY key)`
  // A unique name: later generations keep these files beside those of other datasets.
  const id = randomUUID()
  for (const table of sourceTableNames) {
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
