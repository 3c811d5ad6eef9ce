import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { NoIndex, NoSuchDataset, UnusableDatasetName } from '../errors.ts'
import { removeUnused } from '../leases.ts'
import { DatasetName, liveManifest, type Manifest, publishManifest } from '../manifest.ts'
import type { WebDocument } from '../pages/document.ts'
import type { Dataset } from '../source.ts'
import { takeBuildLock } from './build-lock.ts'
import type { BuildOptions, Built, IndexBuilds } from './builds.ts'
import { asFullDisk, checkFreeDisk } from './free-disk.ts'
import { type Change, type GenerationLimits, writeGeneration } from './write-generation.ts'

export interface BuildsOptions extends GenerationLimits {
  dir: string
  now: () => Date
}

export function createBuilds(options: BuildsOptions): IndexBuilds {
  return {
    async add(dataset, order) {
      const name = usableName(dataset.name)
      const plan = (live: Manifest | null) => {
        const kept = live?.sources.filter((indexed) => indexed.name !== name) ?? []
        return { kept, added: { ...dataset, name, items: dataset.items.bind(dataset) } }
      }
      return build(plan, options, order)
    },
    async remove(name, order) {
      const plan = (live: Manifest | null) => {
        if (!live) throw new NoIndex(options.dir)
        const kept = live.sources.filter((indexed) => indexed.name !== name.trim())
        if (kept.length === live.sources.length)
          throw new NoSuchDataset(
            name,
            live.sources.map((indexed) => indexed.name),
          )
        return { kept, added: null }
      }
      return build(plan, options, order)
    },
    async compact(order) {
      const plan = (live: Manifest | null) => {
        if (!live) throw new NoIndex(options.dir)
        return { kept: live.sources, added: null }
      }
      return build(plan, options, order)
    },
  }
}

/** @throws {UnusableDatasetName} */
function usableName(written: string): string {
  const name = DatasetName.safeParse(written)
  if (!name.success)
    throw new UnusableDatasetName(name.error.issues[0]?.message ?? 'it is not text')
  return name.data
}

/**
 * Takes the lock, writes a generation and makes it live. A failed build leaves the old generation
 * live and removes its own files.
 */
async function build(
  plan: (live: Manifest | null) => Change,
  options: BuildsOptions,
  order: BuildOptions,
): Promise<Built> {
  const { dir, now } = options
  order.signal.throwIfAborted()
  await mkdir(dir, { recursive: true })
  const releaseLock = await takeBuildLock(dir)
  try {
    const live = await liveManifest(dir)
    const change = plan(live)
    // An index of an older version has no live manifest; its files stay until this build succeeds.
    if (live) await removeUnused(dir, live.id)
    await checkFreeDisk(dir, live, change.added?.bytes ?? null)
    const builtAt = now().toISOString()
    const id = await newId(dir, builtAt)
    const folder = join(dir, `gen-${id}`)
    let built: Built
    try {
      await mkdir(folder)
      built = await writeGeneration(change, { ...options, ...order, id, folder, builtAt })
      order.signal.throwIfAborted()
      await publishManifest(dir, built.manifest)
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw asFullDisk(dir, error)
    }
    await removeUnused(dir, id)
    return built
  } finally {
    await releaseLock()
  }
}

/** A readable, unused id; ids sort by time. `20261123-124205-418` */
async function newId(dir: string, builtAt: string): Promise<string> {
  const id = builtAt.replace(/[-:Z]/g, '').replace(/[T.]/g, '-')
  const existing = new Set(await readdir(dir))
  for (let n = 2, next = id; ; n++) {
    if (!existing.has(`gen-${next}`)) return next
    next = `${id}-${n}`
  }
}

/** Adds a dataset of just these documents. */
export async function buildIndex(
  documents: AsyncIterable<WebDocument>,
  { signal, ...options }: BuildsOptions & { signal: AbortSignal },
): Promise<Manifest> {
  const items = async function* () {
    for await (const page of documents) yield { page }
  }
  const dataset: Dataset = { name: 'documents', kind: 'html', bytes: null, items }
  return (await createBuilds(options).add(dataset, { signal })).manifest
}
