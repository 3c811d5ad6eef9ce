import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { isCode } from '#processes/error-code.ts'
import { NoIndex, NoSuchSource, NothingToIndex, TooManyBad, UnusableSourceName } from '../errors.ts'
import { removeUnused } from '../leases.ts'
import {
  type IndexedSource,
  liveManifest,
  type Manifest,
  publishManifest,
  SourceName,
} from '../manifest.ts'
import type { WebDocument } from '../pages/document.ts'
import type { Dataset } from '../source.ts'
import { takeBuildLock } from './build-lock.ts'
import type { BuildOptions, BuildProgress, Built, IndexBuilds } from './builds.ts'
import { type Extracted, extractSource } from './extract-source.ts'
import { asFullDisk, checkFreeDisk } from './free-disk.ts'
import { mergeSources } from './merge-sources.ts'
import { extractNames } from './source-rows.ts'
import { openStaging } from './staging.ts'

export interface BuildsOptions {
  dir: string
  /** Into how many files links are split: also the steps in which a search tells how far it is. */
  shards?: number
  /** Memory that a build may use before it spills to disk. */
  memoryLimitMb?: number
  /** Processor threads of a build. */
  threads?: number
  now: () => Date
}

/** What a build changes: the sources that stay, and the one that is added. */
interface Change {
  kept: readonly IndexedSource[]
  added: Dataset | null
}

const nothingRead: Built['read'] = {
  pages: 0,
  links: 0,
  queries: 0,
  edges: 0,
  ranks: 0,
  reported: 0,
  passed: 0,
  bad: 0,
}

export function createBuilds(options: BuildsOptions): IndexBuilds {
  return {
    async add(source, order) {
      const name = usableName(source.name)
      const plan = (live: Manifest | null) => {
        const kept = live?.sources.filter((one) => one.name !== name) ?? []
        return { kept, added: { ...source, name, items: source.items.bind(source) } }
      }
      return build(plan, options, order)
    },
    async remove(name, order) {
      const plan = (live: Manifest | null) => {
        if (!live) throw new NoIndex(options.dir)
        const kept = live.sources.filter((one) => one.name !== name.trim())
        if (kept.length === live.sources.length)
          throw new NoSuchSource(
            name,
            live.sources.map((one) => one.name),
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

/** @throws {UnusableSourceName} */
function usableName(written: string): string {
  const name = SourceName.safeParse(written)
  if (!name.success) throw new UnusableSourceName(name.error.issues[0]?.message ?? 'it is not text')
  return name.data
}

/**
 * Takes the lock, writes a generation and puts it live. Whatever fails leaves the old one live, and
 * no half-built one behind.
 */
async function build(
  plan: (live: Manifest | null) => Change,
  options: BuildsOptions,
  order: BuildOptions,
): Promise<Built> {
  const { dir, now } = options
  order.signal.throwIfAborted()
  await mkdir(dir, { recursive: true })
  const giveBack = await takeBuildLock(dir)
  try {
    const live = await liveManifest(dir)
    const change = plan(live)
    if (live) await removeUnused(dir, live.id) // What an older version has live stays until there is something better.
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
    await giveBack()
  }
}

interface GenerationOptions extends BuildsOptions, BuildOptions {
  id: string
  folder: string
  builtAt: string
}

async function writeGeneration(
  { kept, added }: Change,
  options: GenerationOptions,
): Promise<Built> {
  const {
    dir,
    shards = 16,
    memoryLimitMb = 512,
    threads = Math.min(2, availableParallelism()),
    signal,
    id,
    folder,
    builtAt,
  } = options
  const onProgress = neverBack(options.onProgress)
  const staging = await openStaging({ folder, memoryLimitMb, threads, signal })
  try {
    const sources: IndexedSource[] = []
    for (const source of kept) sources.push(await carryOver(source, { dir, folder }))
    let extracted: Extracted | null = null
    if (added) {
      const phase = `Reading ${added.name}`
      extracted = await extractSource(added, {
        staging,
        signal,
        onProgress: (progress) => onProgress({ phase, ...progress }),
      })
      refuseBad(added.name, extracted)
      sources.push(indexedSource(added, extracted, builtAt))
    }
    const merged = await mergeSources({ staging, dir, sources, shards, signal, onProgress })
    const manifest: Manifest = { format: 2, id, builtAt, sources, ...merged }
    return {
      manifest,
      read: extracted?.read ?? nothingRead,
      samples: extracted?.samples ?? [],
      remarks: extracted?.remarks ?? [],
    }
  } finally {
    await staging.close()
  }
}

/** @throws {NothingToIndex} @throws {TooManyBad} */
function refuseBad(name: string, { read, samples }: Extracted): void {
  const good = read.pages + read.queries + read.edges + read.ranks + read.reported
  if (read.bad > good + read.passed) {
    if (good === 0) throw new NothingToIndex(name, read.bad, samples)
    throw new TooManyBad(name, { bad: read.bad, good: good + read.passed }, samples)
  }
  if (good === 0) throw new NothingToIndex(name, 0, [])
}

function indexedSource(
  { name, kind }: Dataset,
  { read, files }: Extracted,
  addedAt: string,
): IndexedSource {
  const rows = (table: keyof typeof files) => files[table]?.rows ?? 0
  return {
    name,
    kind,
    pages: rows('pages'),
    links: rows('links') + rows('reported'),
    queries: rows('queries'),
    edges: rows('edges'),
    ranks: rows('ranks'),
    bad: read.bad,
    addedAt,
    files,
  }
}

/**
 * Puts the files of a source into the new generation too, so that each generation can be removed
 * for itself.
 */
async function carryOver(
  source: IndexedSource,
  { dir, folder }: { dir: string; folder: string },
): Promise<IndexedSource> {
  const files: IndexedSource['files'] = {}
  for (const table of extractNames) {
    const shard = source.files[table]
    if (!shard) continue
    const name = basename(shard.file)
    await linkOrCopy(join(dir, shard.file), join(folder, name))
    files[table] = { ...shard, file: `${basename(folder)}/${name}` }
  }
  return { ...source, files }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    // Not every file system has hard links, and none has any number of them.
    if (!isCode(error, 'EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EACCES')) throw error
    await copyFile(from, to)
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

function neverBack(tell: BuildOptions['onProgress']): (progress: BuildProgress) => void {
  let phase = ''
  let furthest = 0
  return (progress) => {
    furthest = progress.phase === phase ? Math.max(furthest, progress.done) : progress.done
    phase = progress.phase
    tell?.({ ...progress, done: furthest })
  }
}

/** An index of nothing but these documents. */
export async function buildIndex(
  documents: AsyncIterable<WebDocument>,
  { signal, ...options }: BuildsOptions & { signal: AbortSignal },
): Promise<Manifest> {
  const items = async function* () {
    for await (const page of documents) yield { page }
  }
  const source: Dataset = { name: 'documents', kind: 'html', bytes: null, items }
  return (await createBuilds(options).add(source, { signal })).manifest
}
