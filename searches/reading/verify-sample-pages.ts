import { NoNetwork } from '#crawler/errors.ts'
import type { LinkToVerify } from '#crawler/web.ts'
import type { SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'

/** A link on the sample page of a row. */
export interface FoundLink extends LinkToVerify {
  /** Of the row. */
  index: number
}

/**
 * Visits sample pages, and sets the status of each row as its visit ends. Without a network, notes
 * so and leaves the rest unverified.
 */
export async function verifySamplePages(
  links: readonly FoundLink[],
  { web, signal, progress, note, update }: SearchContext<SearchTools>,
): Promise<void> {
  const phase = { phase: 'Verifying links', total: links.length, unit: 'sites' }
  progress({ ...phase, done: 0 })
  const waiting = new Set(links)
  try {
    for await (const { link, status } of web.verifyLinks(links, { signal })) {
      if (!waiting.delete(link)) continue
      update(link.index, { status })
      progress({ ...phase, done: links.length - waiting.size })
    }
  } catch (error) {
    if (!(error instanceof NoNetwork)) throw error
    note(
      `Stopped verifying; ${waiting.size.toLocaleString('en')} domains remain unverified. ${error.message}`,
    )
  }
}
