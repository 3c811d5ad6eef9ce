import type { Web } from '#crawler/web.ts'
import type { IndexBuilds } from '#webindex/build/builds.ts'
import type { WebIndex } from '#webindex/query/engine.ts'
import type { Imports } from '#webindex/sources/find-source.ts'

/**
 * What searches work with. Handed in by whoever runs them; what was opened is closed when the run
 * is over.
 */
export interface SearchTools {
  /**
   * One whole generation of the index for the length of the run; the same one at each call.
   * @throws {NoIndex}
   * @throws {BrokenIndex}
   */
  openIndex(): Promise<WebIndex>
  /** The web itself, politely. */
  web: Web
  /** Changes the index. */
  builds: IndexBuilds
  /** What there is to be added to it. */
  imports: Imports
}
