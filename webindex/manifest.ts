import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { BrokenIndex, LaterIndex, NoIndex, OlderIndex } from './errors.ts'
import { sourceKinds } from './source.ts'

const count = z.number().int().nonnegative()
const Id = z.string().regex(/^[\w-]+$/)

/**
 * A file of a table; its path is relative to the index's folder and stays inside its generation.
 */
const ParquetFile = z.object({
  file: z.string().regex(/^gen-[\w-]+\/[\w-]+\.parquet$/),
  rows: count,
  bytes: count,
})
const Table = z.object({ shards: z.array(ParquetFile).min(1) })
export type ParquetFile = z.infer<typeof ParquetFile>

/** Anything that can be shown in a line and typed again. */
export const SourceName = z
  .string()
  .trim()
  .min(1, 'it is empty')
  .max(200, 'it has more than 200 characters')
  .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'it has characters that can’t be shown')

/**
 * A source as it was read: its rows are kept beside the merged tables, so that the next build needs
 * not read it again.
 */
const IndexedSource = z.object({
  name: SourceName,
  kind: z.enum(sourceKinds),
  pages: count,
  links: count,
  queries: count,
  edges: count,
  ranks: count,
  /** What could not be read and was passed over. */
  bad: count,
  addedAt: z.iso.datetime(),
  /** Its own rows (extract-source.ts), a file for each table of which it has any. */
  files: z.object({
    pages: ParquetFile.optional(),
    links: ParquetFile.optional(),
    queries: ParquetFile.optional(),
    edges: ParquetFile.optional(),
    ranks: ParquetFile.optional(),
    reported: ParquetFile.optional(),
  }),
})
export type IndexedSource = z.infer<typeof IndexedSource>

/**
 * One generation of the index: names every file, so that whoever has read it needs to look at no
 * folder. Its tables are those of schema.ts. A table that is added later is optional here, and
 * older readers pass over it.
 */
export const Manifest = z.object({
  format: z.literal(2),
  id: Id,
  builtAt: z.iso.datetime(),
  /** In the order in which they were added: of a page that several hold, the last one counts. */
  sources: z.array(IndexedSource),
  /**
   * `sites` have pages here; `externalLinks` lead from one site to another; `targetSites` are
   * linked to from another site; `phrases` include `queries`, the different ones of the query logs.
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
 * @throws {NoIndex} when nothing was built yet.
 * @throws {BrokenIndex} when the file is not a manifest that we understand.
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
 * @returns null where a build starts from nothing: nothing is there, or nothing that can still be
 * read.
 */
export async function liveManifest(dir: string): Promise<Manifest | null> {
  try {
    return await readManifest(dir)
  } catch (error) {
    if (error instanceof NoIndex || (error instanceof BrokenIndex && error.replaceable)) return null
    throw error
  }
}

/** Puts a generation live in one step: a reader sees the old manifest or this one, whole. */
export async function publishManifest(dir: string, manifest: Manifest): Promise<void> {
  const draft = join(dir, `gen-${manifest.id}`, 'manifest.json')
  const file = await open(draft, 'w')
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`)
    await file.sync() // Otherwise the rename could reach the disk before the content.
  } finally {
    await file.close()
  }
  await rename(draft, manifestFile(dir))
}

/**
 * Bytes of all files of the generation: the merged tables, and what each source holds of its own.
 */
export function sizeOf({ tables, sources }: Manifest): number {
  const merged = Object.values(tables).flatMap((table) => table.shards)
  const own = sources.flatMap(({ files }) => Object.values(files))
  return [...merged, ...own].reduce((bytes, shard) => bytes + shard.bytes, 0)
}
