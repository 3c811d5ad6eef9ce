import type { IndexedSource } from '../manifest.ts'
import type { BuildProgress } from './builds.ts'
import type { Staging } from './staging.ts'

/** What every step of a merge works with. */
export interface MergeOptions {
  staging: Staging
  /** The index's folder. */
  dir: string
  /** In the order in which they were added. */
  sources: readonly IndexedSource[]
  shards: number
  signal: AbortSignal
  onProgress(progress: BuildProgress): void
}
