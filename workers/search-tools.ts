import type { IndexBuilds } from '#webindex/builds.ts'
import type { IndexEngine, WebIndex } from '#webindex/engine.ts'
import type { SearchTools } from '#webindex/search-tools.ts'
import type { Web } from '#webindex/web/web.ts'
import { forPeople } from './for-people.ts'

/** What searches of this process share; each run closes what it has opened. */
export interface Workshop {
  engine: IndexEngine
  web: Web
  builds: IndexBuilds
}

/** Hands a run its tools. The index is opened when it is first asked for: not every search reads it, and there may be none yet. */
export function openTools({ engine, web, builds }: Workshop): SearchTools & { close(): void } {
  let opening: Promise<WebIndex> | null = null
  return {
    openIndex() {
      opening ??= engine.open().catch(forPeople)
      return opening
    },
    web,
    builds,
    close: () => void opening?.then((index) => index.close()).catch(() => {}),
  }
}
