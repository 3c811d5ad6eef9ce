import type { Manifest } from '../manifest.ts'
import type { BadRow, Dataset } from '../source.ts'
import type { RowsRead } from './source-tables.ts'

/** Progress of a build. `done` never decreases within a phase; `total` is null if unknown. */
export interface BuildProgress {
  phase: string
  done: number
  total: number | null
  unit: string
}

export interface BuildOptions {
  signal: AbortSignal
  onProgress?(progress: BuildProgress): void
}

/** The result of a build. */
export interface Built {
  manifest: Manifest
  read: RowsRead
  /** The first rows that could not be read. */
  samples: BadRow[]
  remarks: string[]
}

/**
 * Changes an index. Each change builds a complete new generation and makes it live atomically; a
 * failed build leaves the live one unchanged. Only one build runs at a time, across all processes.
 */
export interface IndexBuilds {
  /**
   * Adds a dataset, or replaces the one of the same name. A damaged or older index is replaced by
   * one with only this dataset.
   * @throws {BuildRunning}
   * @throws {NothingToIndex}
   * @throws {TooManyBad}
   * @throws {NotEnoughDisk}
   * @throws {UnusableDatasetName}
   * @throws {LaterIndex}
   */
  add(dataset: Dataset, options: BuildOptions): Promise<Built>
  /**
   * Removes a dataset. Removing the last one leaves an empty, readable index.
   * @throws {BuildRunning}
   * @throws {NoSuchDataset}
   * @throws {NoIndex}
   * @throws {NotEnoughDisk}
   */
  remove(name: string, options: BuildOptions): Promise<Built>
  /**
   * Rewrites the live generation and removes unused files.
   * @throws {BuildRunning}
   * @throws {NoIndex}
   * @throws {NotEnoughDisk}
   */
  compact(options: BuildOptions): Promise<Built>
}
