import type { IndexedDataset } from '../manifest.ts'
import type { BuildProgress } from './builds.ts'
import type { Staging } from './staging.ts'

/** The options of every step of a merge. */
export interface MergeOptions {
  staging: Staging
  /** The index's folder. */
  dir: string
  /** In the order in which they were added. */
  datasets: readonly IndexedDataset[]
  shards: number
  signal: AbortSignal
  onProgress(progress: BuildProgress): void
}
