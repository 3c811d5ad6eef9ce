import { copyFile, link } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { isCode } from '#processes/error-code.ts'
import { NothingToIndex, TooManyBad } from '../errors.ts'
import type { IndexedDataset, Manifest } from '../manifest.ts'
import type { Dataset } from '../source.ts'
import type { BuildOptions, BuildProgress, Built } from './builds.ts'
import { type Extracted, extractSource } from './extract-source.ts'
import { mergeSources } from './merge-sources.ts'
import { nothingRead, sourceTableNames } from './source-tables.ts'
import { openStaging } from './staging.ts'

/** The datasets that a build keeps, and the one that it adds. */
export interface Change {
  kept: readonly IndexedDataset[]
  added: Dataset | null
}

export interface GenerationLimits {
  /** Number of files for links, and of the steps in which a search reports its progress. */
  shards?: number
  /** Memory that DuckDB may use before it spills to disk. */
  memoryLimitMb?: number
  /** Processor threads that DuckDB may use. */
  threads?: number
}

interface GenerationOptions extends GenerationLimits, BuildOptions {
  /** The index's folder. */
  dir: string
  /** The generation's id. */
  id: string
  /** The generation's folder, empty. */
  folder: string
  builtAt: string
}

/** Writes the files of a generation. @throws {NothingToIndex} @throws {TooManyBad} */
export async function writeGeneration(
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
  const onProgress = monotonic(options.onProgress)
  const staging = await openStaging({ folder, memoryLimitMb, threads, signal })
  try {
    const datasets: IndexedDataset[] = []
    for (const dataset of kept) datasets.push(await carryOver(dataset, { dir, folder }))
    let extracted: Extracted | null = null
    if (added) {
      const phase = `Reading ${added.name}`
      extracted = await extractSource(added, {
        staging,
        signal,
        onProgress: (progress) => onProgress({ phase, ...progress }),
      })
      refuseBad(added.name, extracted)
      datasets.push(indexedDataset(added, extracted, builtAt))
    }
    const merged = await mergeSources({ staging, dir, datasets, shards, signal, onProgress })
    const manifest: Manifest = { format: 2, id, builtAt, sources: datasets, ...merged }
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

function indexedDataset(
  { name, kind }: Dataset,
  { read, files }: Extracted,
  addedAt: string,
): IndexedDataset {
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

/** Puts a dataset's files into the new generation too, so that generations share no files. */
async function carryOver(
  dataset: IndexedDataset,
  { dir, folder }: { dir: string; folder: string },
): Promise<IndexedDataset> {
  const files: IndexedDataset['files'] = {}
  for (const table of sourceTableNames) {
    const file = dataset.files[table]
    if (!file) continue
    const name = basename(file.file)
    await linkOrCopy(join(dir, file.file), join(folder, name))
    files[table] = { ...file, file: `${basename(folder)}/${name}` }
  }
  return { ...dataset, files }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    // Some file systems have no hard links; all limit their number.
    if (!isCode(error, 'EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EACCES')) throw error
    await copyFile(from, to)
  }
}

/** Reports progress that never decreases within a phase. */
function monotonic(report: BuildOptions['onProgress']): (progress: BuildProgress) => void {
  let phase = ''
  let furthest = 0
  return (progress) => {
    furthest = progress.phase === phase ? Math.max(furthest, progress.done) : progress.done
    phase = progress.phase
    report?.({ ...progress, done: furthest })
  }
}
