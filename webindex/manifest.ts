import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { BrokenIndex, LaterIndex, NoIndex, OlderIndex } from './errors.ts'
import { sourceKinds } from './source.ts'

const count = z.number().int().nonnegative()
const Id = z.string().regex(/^[\w-]+$/)

/** A file of a table. Its path is relative to the index's folder and inside its generation's. */
const ParquetFile = z.object({
  file: z.string().regex(/^gen-[\w-]+\/[\w-]+\.parquet$/),
  rows: count,
  bytes: count,
})
const Table = z.object({ shards: z.array(ParquetFile).min(1) })
export type ParquetFile = z.infer<typeof ParquetFile>

/** Any name that can be shown on one line and typed again. */
export const DatasetName = z
  .string()
  .trim()
  .min(1, 'it is empty')
  .max(200, 'it has more than 200 characters')
  .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'it has characters that can’t be shown')

/**
 * A dataset in the index. Its own rows are kept beside the merged tables, so that the next build
 * need not read the dataset again.
 */
const IndexedDataset = z.object({
  name: DatasetName,
  kind: z.enum(sourceKinds),
  pages: count,
  links: count,
  queries: count,
  edges: count,
  ranks: count,
  /** Rows that could not be read and were skipped. */
  bad: count,
  addedAt: z.iso.datetime(),
  /** Its own rows (extract-source.ts): a file for each table that is not empty. */
  files: z.object({
    pages: ParquetFile.optional(),
    links: ParquetFile.optional(),
    queries: ParquetFile.optional(),
    edges: ParquetFile.optional(),
    ranks: ParquetFile.optional(),
    reported: ParquetFile.optional(),
  }),
})
export type IndexedDataset = z.infer<typeof IndexedDataset>

/**
 * One generation of the index. The manifest lists every file, so readers never list folders. Its
 * tables are described in schema.ts. A table added to the format later must be optional here; older
 * readers ignore it.
 */
export const Manifest = z.object({
  format: z.literal(2),
  id: Id,
  builtAt: z.iso.datetime(),
  /** In the order in which they were added. If several have the same page, the last one counts. */
  sources: z.array(IndexedDataset),
  /**
   * `sites`: sites with pages here. `externalLinks`: links from one site to another. `targetSites`:
   * sites linked to from another site. `phrases` includes `queries`, the distinct queries of the
   * query logs.
   */
  counts: z.object({
    pages: count,
    links: count,
    externalLinks: count,
    sites: count,
    targetSites: count,
    phrases: count,
    queries: count,
    edges: count,
  }),
  tables: z.object({
    pages: Table,
    links: Table,
    phrases: Table,
    sites: Table,
    edges: Table.optional(),
  }),
})
export type Manifest = z.infer<typeof Manifest>

const manifestFile = (dir: string) => join(dir, 'current.json')

/**
 * @throws {NoIndex} if nothing has been built yet
 * @throws {BrokenIndex} if the file is not a manifest of this format
 */
export async function readManifest(dir: string): Promise<Manifest> {
  const text = await readFile(manifestFile(dir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' || error.code === 'ENOTDIR' ? new NoIndex(dir) : error
  })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new BrokenIndex(dir, 'current.json is not JSON', { cause })
  }
  const result = Manifest.safeParse(json)
  if (result.success) return result.data
  const format = z.object({ format: z.int() }).safeParse(json).data?.format
  if (format === 1) throw new OlderIndex(dir)
  if (format !== undefined && format > 2) throw new LaterIndex(dir)
  const [issue] = result.error.issues
  throw new BrokenIndex(dir, `current.json: ${issue?.path.join('.')}: ${issue?.message}`, {
    cause: result.error,
  })
}

/**
 * The manifest that a build starts from.
 * @returns null if the build starts from nothing: there is no index, or a replaceable one
 * @throws {LaterIndex}
 */
export async function liveManifest(dir: string): Promise<Manifest | null> {
  try {
    return await readManifest(dir)
  } catch (error) {
    if (error instanceof NoIndex || (error instanceof BrokenIndex && error.replaceable)) return null
    throw error
  }
}

/** Makes a generation live atomically: readers see either the old manifest or this one. */
export async function publishManifest(dir: string, manifest: Manifest): Promise<void> {
  const tmp = join(dir, `gen-${manifest.id}`, 'manifest.json')
  const file = await open(tmp, 'w')
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`)
    await file.sync() // Otherwise the rename could reach the disk before the content.
  } finally {
    await file.close()
  }
  await rename(tmp, manifestFile(dir))
}

/** Bytes of all files of the generation: the merged tables and each dataset's own rows. */
export function sizeOf({ tables, sources }: Manifest): number {
  const merged = Object.values(tables).flatMap((table) => table.shards)
  const own = sources.flatMap(({ files }) => Object.values(files))
  return [...merged, ...own].reduce((sum, { bytes }) => sum + bytes, 0)
}
