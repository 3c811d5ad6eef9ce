import { join, resolve } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { BrokenIndex } from './errors.ts'
import { leaseLiveGeneration } from './leases.ts'
import { type LinkingSite, type LinkQuestion, linkingSitesIn } from './linking-sites.ts'
import { type Manifest, sizeOf } from './manifest.ts'

/** What a job says of the index that it read. */
export interface Generation extends Pick<Manifest, 'id' | 'builtAt' | 'sources' | 'counts'> {
  /** Size of its files. */
  bytes: number
}

/** One whole generation, open for one job: what is built meanwhile does not show. One query at a time. */
export interface WebIndex {
  generation: Generation
  /** Number of shards that links are split into; each referring site is in exactly one of them. */
  shards: number
  /** @param options.shard 0…shards − 1. @throws {GenerationGone} */
  linkingSites(question: LinkQuestion, options: { shard: number; signal: AbortSignal }): AsyncIterable<LinkingSite>
  /** Lets go of the generation; if it was replaced meanwhile and nobody else reads it, it is removed. Never fails. */
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
  /** For all searches of the process together. A query that needs more fails; it does not spill. */
  memoryLimitMb?: number
  /** Processor threads for all searches of the process together. */
  threads?: number
}

/** The part that lives as long as its process: one bounded DuckDB, from which each job gets a connection. */
export async function createIndexEngine({ dir, memoryLimitMb = 256, threads = 1 }: EngineOptions): Promise<IndexEngine> {
  const root = resolve(dir)
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryLimitMb}MB`,
    threads: String(threads),
    temp_directory: '', // Otherwise it would spill into the current folder.
    autoinstall_known_extensions: 'false',
  })
  return {
    async open() {
      const { manifest, end } = await leaseLiveGeneration(root)
      const { id, builtAt, sources, counts, tables } = manifest
      const connection = await instance.connect()
      return {
        generation: { id, builtAt, sources, counts, bytes: sizeOf(manifest) },
        shards: tables.links.shards.length,
        linkingSites(question, { shard, signal }) {
          const file = tables.links.shards[shard]?.file
          if (!file) throw new BrokenIndex(dir, `there is no shard ${shard} of links`)
          return linkingSitesIn({ connection, path: join(root, file), generation: id }, question, { signal })
        },
        close() {
          connection.closeSync()
          return end()
        },
      }
    },
    close: () => instance.closeSync(),
  }
}
