import { resolve } from 'node:path'
import { leaseLiveGeneration } from '../leases.ts'
import { type Manifest, type ParquetFile, sizeOf } from '../manifest.ts'
import { type KeywordReading, lookUpPhrases } from './look-up-phrases.ts'
import { type Phrase, type PhraseQuestion, phrasesWith } from './phrases.ts'
import { openQueryPool } from './query-pool.ts'
import type { GenerationFiles, Part } from './read-shards.ts'
import { type LinkQuestion, type ReferringDomain, referringDomains } from './referring-domains.ts'

/** What a job says of the index that it read. */
export interface Generation extends Pick<Manifest, 'id' | 'builtAt' | 'sources' | 'counts'> {
  /** Size of its files. */
  bytes: number
}

type Options = { signal: AbortSignal }

/**
 * One whole generation, open for one job: what is built meanwhile does not show. What it reads
 * comes in parts, which also name the files that can't be read. All of it throws {GenerationGone}
 * and {NotEnoughMemory}.
 */
export interface WebIndex {
  generation: Generation
  /** Into how many files links and phrases are split: the steps in which they are read. */
  shards: { links: number; phrases: number }
  /** Sites that link to the target. A part is one shard or some; the best of it come first. */
  referringDomains(question: LinkQuestion, options: Options): AsyncIterable<Part<ReferringDomain>>
  /** Phrases that hold the words. A part is one shard or some; the best of it come first. */
  phrasesWith(question: PhraseQuestion, options: Options): AsyncIterable<Part<Phrase>>
  /** @param phrases as `phraseOf` makes them, each once; they come in this order. */
  lookUpPhrases(phrases: readonly string[], options: Options): AsyncIterable<Part<KeywordReading>>
  /**
   * Lets go of the generation; if it was replaced meanwhile and nobody else reads it, it is
   * removed. Never fails.
   */
  close(): Promise<void>
}

export interface IndexEngine {
  /** Opens the live generation; cheap, once per job. @throws {NoIndex} @throws {BrokenIndex} */
  open(): Promise<WebIndex>
  /** After every index that it opened was closed. */
  close(): void
}

export interface EngineOptions {
  /** The index's folder; it may be empty until something is built. */
  dir: string
  /**
   * For all searches of the process together. One that finds it taken waits; one that needs more
   * than all of it fails: nothing is spilled.
   */
  memoryLimitMb?: number
  /**
   * Processor threads for all searches of the process together: so many queries run at once, the
   * others wait their turn.
   */
  threads?: number
}

/** The part that lives as long as its process: one bounded DuckDB, which all jobs share. */
export async function createIndexEngine({
  dir,
  memoryLimitMb = 256,
  threads = 2,
}: EngineOptions): Promise<IndexEngine> {
  const root = resolve(dir)
  const queries = await openQueryPool({ memoryLimitMb, threads })
  return {
    async open() {
      const { manifest, end } = await leaseLiveGeneration(root)
      const { id, builtAt, sources, counts, tables } = manifest
      const paths = (table?: { shards: ParquetFile[] }) =>
        (table?.shards ?? []).map((shard) => shard.file)
      const files = {
        dir: root,
        id,
        links: paths(tables.links),
        edges: paths(tables.edges),
        phrases: paths(tables.phrases),
        queries,
      }
      return {
        generation: { id, builtAt, sources, counts, bytes: sizeOf(manifest) },
        ...readerOf(files),
        close: end,
      }
    },
    close: () => queries.close(),
  }
}

/** What can be asked of a generation's files. */
export function readerOf(
  files: GenerationFiles,
): Pick<WebIndex, 'shards' | 'referringDomains' | 'phrasesWith' | 'lookUpPhrases'> {
  return {
    shards: { links: files.links.length, phrases: files.phrases.length },
    referringDomains: (question, options) => referringDomains(files, question, options),
    phrasesWith: (question, options) => phrasesWith(files, question, options),
    lookUpPhrases: (phrases, options) => lookUpPhrases(files, phrases, options),
  }
}
