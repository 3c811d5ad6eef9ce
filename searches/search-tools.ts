import type { Web } from '#crawler/web.ts'
import type { Row } from '#jobs/define-search.ts'
import type { JobInput } from '#jobs/job.ts'
import type { IndexBuilds } from '#webindex/build/builds.ts'
import type { WebIndex } from '#webindex/query/engine.ts'
import type { Imports } from '#webindex/sources/find-source.ts'

/** A search that the same user ran before, with its rows so far, page by page. */
export interface EarlierSearch {
  search: string
  input: JobInput
  rows: AsyncIterable<Row[]>
}

/** What a search may use. The worker supplies it and closes what was opened when the run ends. */
export interface SearchTools {
  /**
   * Opens one generation of the index for the whole run; every call returns the same one.
   * @throws {NoIndex}
   * @throws {BrokenIndex}
   */
  openIndex(): Promise<WebIndex>
  /** The live web, visited politely. */
  web: Web
  /** Changes the index. */
  builds: IndexBuilds
  /** Opens the files that an import names. */
  imports: Imports
  /** @returns null if this user has no such search */
  findEarlier(id: string): Promise<EarlierSearch | null>
}
