import type { Manifest } from '../manifest.ts'
import type { BadRow, Dataset } from '../source.ts'
import type { RowsRead } from './source-rows.ts'

/**
 * How far a build is. `done` never goes back within a phase; `total` is null where it is unknown.
 */
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

/** What became of a build. */
export interface Built {
  manifest: Manifest
  read: RowsRead
  /** The first few of what was passed over. */
  samples: BadRow[]
  remarks: string[]
}

/**
 * Every change builds a whole new generation and puts it live in one step; whatever fails leaves
 * the old one live. One at a time over all processes.
 */
export interface IndexBuilds {
  /**
   * Adds a source, or replaces the one of its name. An index that can't be read, or is of an older
   * version, is built anew from this source alone.
   * @throws {BuildRunning} @throws {NothingToIndex} @throws {TooManyBad} @throws {NotEnoughDisk}
   * @throws {UnusableSourceName} @throws {LaterIndex}
   */
  add(source: Dataset, options: BuildOptions): Promise<Built>
  /**
   * Without its last source an index is empty, and can be read.
   * @throws {BuildRunning}
   * @throws {NoSuchSource}
   * @throws {NoIndex}
   * @throws {NotEnoughDisk}
   */
  remove(name: string, options: BuildOptions): Promise<Built>
  /**
   * Writes the live generation anew, and removes whatever nobody uses.
   * @throws {BuildRunning}
   * @throws {NoIndex}
   * @throws {NotEnoughDisk}
   */
  compact(options: BuildOptions): Promise<Built>
}
