import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Draft, quoted } from './draft.ts'
import type { IndexedSource } from './manifest.ts'
import type { BadRow, ReadProgress, Source } from './source-item.ts'
import { type ExtractName, extractNames, openRows, type RowsRead } from './source-rows.ts'

export interface Extracted {
  files: IndexedSource['files']
  read: RowsRead
  samples: BadRow[]
  remarks: string[]
}

/** Characters that wait in the draft until they are set aside as files: more would fill memory, or block the process when DuckDB moves them out of it. */
const setAsideAt = 32_000_000
/** Rows with whole texts in them. */
const textRowGroup = 2_048

/** Reads a source to its end and writes its rows as Parquet files of its own: `source-<uuid>-pages.parquet`. */
export async function extractSource(
  source: Source,
  options: { draft: Draft; signal: AbortSignal; onProgress(progress: ReadProgress): void },
): Promise<Extracted> {
  const { draft, signal, onProgress } = options
  await mkdir(draft.asideFolder, { recursive: true })
  const rows = await openRows(draft, { place: source.name, signal })
  const pieces: Pieces = { pages: [], links: [], queries: [], edges: [], ranks: [] }
  const setAside = async () => {
    rows.flush()
    await writePieces(draft, rows.read, pieces)
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
  const files = await joinPieces(draft, pieces)
  await rm(draft.asideFolder, { recursive: true, force: true })
  return { files, read: rows.read, samples: rows.samples, remarks: [...rows.remarks] }
}

/** Files with the rows of each table, in the order in which they were read. */
type Pieces = Record<ExtractName, string[]>

async function writePieces(draft: Draft, read: RowsRead, pieces: Pieces): Promise<void> {
  for (const table of extractNames) {
    if (read[table] === 0) continue
    const file = join(draft.asideFolder, `${table}-${pieces[table].length}.parquet`)
    await draft.run(`COPY ${table} TO ${quoted(file)} (FORMAT parquet, ROW_GROUP_SIZE ${textRowGroup})`)
    pieces[table].push(file)
  }
}

async function joinPieces(draft: Draft, pieces: Pieces): Promise<IndexedSource['files']> {
  const files: IndexedSource['files'] = {}
  const all = (table: ExtractName) => `read_parquet([${pieces[table].map(quoted).join(', ')}])`
  // Of a page that came twice the last one counts, and its links.
  const last = `WHERE n IN (SELECT max(n) FROM ${all('pages')} GROUP BY key)`
  // They stay for as many generations as the source does, beside those of sources that were read at another time.
  const id = randomUUID()
  for (const table of extractNames) {
    if (pieces[table].length === 0) continue
    const rows = `FROM ${all(table)} ${table === 'pages' || table === 'links' ? last : ''}`
    files[table] = await draft.copy(`source-${id}-${table}`, rows, table === 'pages' ? { rowGroup: textRowGroup } : {})
  }
  return files
}
