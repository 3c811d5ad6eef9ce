import type { IndexBuilds } from './builds.ts'
import type { WebIndex } from './engine.ts'
import type { Imports } from './imports.ts'
import type { Web } from './web/web.ts'

/** What searches work with. Handed in by whoever runs them; what was opened is closed when the run is over. */
export interface SearchTools {
  /** One whole generation of the index for the length of the run; the same one at each call. @throws {NoIndex} @throws {BrokenIndex} */
  openIndex(): Promise<WebIndex>
  /** The web itself, politely. */
  web: Web
  /** Changes the index. */
  builds: IndexBuilds
  /** What there is to be added to it. */
  imports: Imports
}
