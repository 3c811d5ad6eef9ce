import { resolve } from 'node:path'
import { leaseLiveGeneration } from '../leases.ts'
import { type Manifest, type ParquetFile, sizeOf } from '../manifest.ts'
import { type DomainTotals, domainTotals } from './domain-totals.ts'
import { type FoundPhrase, type PhraseQuery, phrasesWith } from './find-phrases.ts'
import { type GapQuery, type GapSite, linkGap } from './link-gap.ts'
import type { LinkQuery } from './links-to.ts'
import { lookUpPhrases, type PhraseLookup } from './look-up-phrases.ts'
import { openQueryPool } from './query-pool.ts'
import { type Language, readLanguages } from './read-languages.ts'
import type { GenerationFiles, Part } from './read-shards.ts'
import type { TopPart } from './read-top.ts'
import { type ReferringDomain, referringDomains } from './referring-domains.ts'

/** The facts that a job records about the index it has read. */
export interface Generation extends Pick<Manifest, 'id' | 'builtAt' | 'sources' | 'counts'> {
  /** Size of all its files. */
  bytes: number
}

type Options = { signal: AbortSignal }

/**
 * One generation, opened for one job; later builds don't affect it. Results come in parts, which
 * also name the files that could not be read.
 * @throws {GenerationGone} from every query
 * @throws {NotEnoughMemory} from every query
 */
export interface WebIndex {
  generation: Generation
  /** Number of shards of links and of phrases: the steps of a query's progress. */
  shards: { links: number; phrases: number }
  /** The target's top referring domains, in order. */
  referringDomains(query: LinkQuery, options: Options): AsyncIterable<TopPart<ReferringDomain>>
  /** The top phrases with the given words, in order. */
  phrasesWith(query: PhraseQuery, options: Options): AsyncIterable<TopPart<FoundPhrase>>
  /** The top sites that link to competitors and not to a site, in order. */
  linkGap(query: GapQuery, options: Options): AsyncIterable<TopPart<GapSite>>
  /** The totals of these distinct sites, in their order, with the last part. */
  domainTotals(sites: readonly string[], options: Options): AsyncIterable<Part<DomainTotals>>
  /** The languages of the texts. Looked up once per generation. */
  languages(options: Options): Promise<readonly Language[]>
  /** Rows come in the order of `phrases`. @param phrases distinct results of `phraseOf`. */
  lookUpPhrases(phrases: readonly string[], options: Options): AsyncIterable<Part<PhraseLookup>>
  /**
   * Ends the lease. The last reader of a replaced generation removes its files. Never fails.
   */
  close(): Promise<void>
}

export interface IndexEngine {
  /** Opens the live generation: cheap, once per job. @throws {NoIndex} @throws {BrokenIndex} */
  open(): Promise<WebIndex>
  /** Call it after every opened index is closed. */
  close(): void
}

export interface EngineOptions {
  /** The index's folder; it may be empty until the first build. */
  dir: string
  /**
   * Shared by all searches of the process. A search waits while others occupy the memory, and fails
   * if it needs more than all of it: nothing is spilled to disk.
   */
  memoryLimitMb?: number
  /** Processor threads shared by all searches of the process: the number of concurrent queries. */
  threads?: number
}

/** Opens the one bounded DuckDB that all jobs of a process share. */
export async function createIndexEngine({
  dir,
  memoryLimitMb = 256,
  threads = 2,
}: EngineOptions): Promise<IndexEngine> {
  const root = resolve(dir)
  const queries = await openQueryPool({ memoryLimitMb, threads })
  let known: { id: string; languages: readonly Language[] } | undefined
  return {
    async open() {
      const { manifest, end } = await leaseLiveGeneration(root)
      const { id, builtAt, sources, counts, tables } = manifest
      const paths = (table?: { shards: ParquetFile[] }) =>
        (table?.shards ?? []).map(({ file }) => file)
      const files = {
        dir: root,
        id,
        links: paths(tables.links),
        edges: paths(tables.edges),
        phrases: paths(tables.phrases),
        sites: paths(tables.sites),
        queries,
      }
      return {
        generation: { id, builtAt, sources, counts, bytes: sizeOf(manifest) },
        ...queriesOver(files),
        async languages({ signal }) {
          if (known?.id !== id)
            known = { id, languages: await readLanguages(files, counts.pages, signal) }
          return known.languages
        },
        close: end,
      }
    },
    close: () => queries.close(),
  }
}

/** The queries over a generation's files. */
function queriesOver(files: GenerationFiles): Omit<WebIndex, 'generation' | 'languages' | 'close'> {
  return {
    shards: { links: files.links.length, phrases: files.phrases.length },
    referringDomains: (query, options) => referringDomains(files, query, options),
    phrasesWith: (query, options) => phrasesWith(files, query, options),
    linkGap: (query, options) => linkGap(files, query, options),
    domainTotals: (sites, options) => domainTotals(files, sites, options),
    lookUpPhrases: (phrases, options) => lookUpPhrases(files, phrases, options),
  }
}
