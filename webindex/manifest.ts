import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { BrokenIndex, NoIndex } from './errors.ts'

const count = z.number().int().nonnegative()

/** A file of a table; its path is relative to the index's folder and stays inside its generation. */
const Shard = z.object({ file: z.string().regex(/^gen-[\w-]+\/[\w-]+\.parquet$/), rows: count, bytes: count })
const Table = z.object({ shards: z.array(Shard).min(1) })
export type Shard = z.infer<typeof Shard>

/**
 * One generation of the index: names every file, so that whoever has read it needs to look at no folder.
 * A table that is added later is optional here, and older readers pass over it.
 */
export const Manifest = z.object({
  format: z.literal(1),
  id: z.string().regex(/^[\w-]+$/),
  /** The generation before; its files are kept, for jobs that still read them. */
  previous: z
    .string()
    .regex(/^[\w-]+$/)
    .nullable(),
  builtAt: z.iso.datetime(),
  sources: z.array(z.object({ name: z.string(), pages: count })),
  /** `sites` have pages here; `externalLinks` lead from one site to another; `targetSites` are linked to from another site. */
  counts: z.object({ pages: count, links: count, externalLinks: count, sites: count, targetSites: count }),
  tables: z.object({ pages: Table, links: Table }),
})
export type Manifest = z.infer<typeof Manifest>

const manifestFile = (dir: string) => join(dir, 'current.json')

/** @throws {NoIndex} when nothing was built yet. @throws {BrokenIndex} when the file is not a manifest that we understand. */
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
  const [issue] = result.error.issues
  throw new BrokenIndex(dir, `current.json: ${issue?.path.join('.')}: ${issue?.message}`, { cause: result.error })
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

/** Bytes of all files of the generation. */
export function sizeOf({ tables }: Manifest): number {
  return Object.values(tables).reduce((sum, table) => sum + table.shards.reduce((bytes, shard) => bytes + shard.bytes, 0), 0)
}
