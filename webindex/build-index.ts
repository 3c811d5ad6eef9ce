import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { takeBuildLock } from './build-lock.ts'
import type { WebDocument } from './document.ts'
import { NoIndex, NothingToIndex } from './errors.ts'
import { type Manifest, publishManifest, readManifest } from './manifest.ts'
import { openTables } from './write-tables.ts'

export interface BuildOptions {
  dir: string
  /** Into how many files links are split: also the steps in which a search tells how far it is. */
  shards?: number
  /** Memory that the build may use before it spills to disk. */
  memoryLimitMb?: number
  signal: AbortSignal
  now: () => Date
}

/**
 * Builds a whole new generation from the documents and puts it live; jobs that are reading go on with the one they opened.
 * If it fails, what was live stays live and the half-built generation is removed.
 * @throws {BuildRunning} @throws {NothingToIndex}
 */
export async function buildIndex(documents: AsyncIterable<WebDocument>, options: BuildOptions): Promise<Manifest> {
  const { dir, shards = 16, memoryLimitMb = 512, signal, now } = options
  await mkdir(dir, { recursive: true })
  const giveBack = await takeBuildLock(dir)
  try {
    const previous = await liveGeneration(dir)
    const builtAt = now().toISOString()
    const id = await newId(dir, builtAt)
    const folder = join(dir, `gen-${id}`)
    try {
      await mkdir(folder)
      const written = await writeGeneration(documents, { folder, shards, memoryLimitMb, signal })
      signal.throwIfAborted()
      const manifest: Manifest = { format: 1, id, previous, builtAt, ...written }
      await publishManifest(dir, manifest)
      await removeOthers(dir, [id, previous])
      return manifest
    } catch (error) {
      if ((await liveGeneration(dir)) !== id) await rm(folder, { recursive: true, force: true })
      throw error
    }
  } finally {
    await giveBack()
  }
}

async function writeGeneration(
  documents: AsyncIterable<WebDocument>,
  { signal, ...place }: { folder: string; shards: number; memoryLimitMb: number; signal: AbortSignal },
): Promise<Pick<Manifest, 'sources' | 'counts' | 'tables'>> {
  const tables = await openTables(place)
  try {
    for await (const document of documents) {
      signal.throwIfAborted()
      tables.add(document)
    }
    const counts = await tables.count()
    if (counts.pages === 0) throw new NothingToIndex()
    return { counts, sources: await tables.sources(), tables: await tables.write(signal) }
  } finally {
    await tables.close()
  }
}

/** Readable, in the order of time, and new: `20261123-124205-418`. */
async function newId(dir: string, builtAt: string): Promise<string> {
  const id = builtAt.replace(/[-:Z]/g, '').replace(/[T.]/g, '-')
  const there = new Set(await readdir(dir))
  for (let n = 2, next = id; ; n++) {
    if (!there.has(`gen-${next}`)) return next
    next = `${id}-${n}`
  }
}

async function liveGeneration(dir: string): Promise<string | null> {
  try {
    return (await readManifest(dir)).id
  } catch (error) {
    if (error instanceof NoIndex) return null
    throw error
  }
}

/** Older generations, and what killed builds left. Jobs may still read the previous one. */
async function removeOthers(dir: string, kept: (string | null)[]): Promise<void> {
  for (const name of await readdir(dir)) {
    const id = /^gen-([\w-]+)$/.exec(name)?.[1]
    if (id && !kept.includes(id)) await rm(join(dir, name), { recursive: true, force: true })
  }
}
