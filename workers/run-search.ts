import { setTimeout as delay } from 'node:timers/promises'
import type { Search, SearchContext } from '#jobs/define-search.ts'
import { SearchFailed, TimedOut } from '#jobs/errors.ts'
import type { JobInput } from '#jobs/job.ts'
import type { TrackedRun } from '#jobs/tracked-run.ts'
import { forPeople } from './for-people.ts'

export interface RunSearchDeps<Tools> {
  findSearch(name: string): Search<Tools> | undefined
  /** What the search works with, for the length of a run. */
  openTools(): Tools & { close(): void | Promise<void> }
}

const defaultTimeoutMs = 15 * 60_000
/**
 * A search that was told to stop is waited for so long; then its slot is given to others while it
 * goes on behind.
 */
const deafAfterMs = 2_000

/**
 * Feeds the run with a search's rows until it is through, or until the abort: then the abort's
 * reason is thrown.
 * @throws {SearchFailed} where this installation can't run it
 */
export async function runSearch<Tools>(
  job: { search: string; input: JobInput },
  run: TrackedRun,
  abort: AbortController,
  { findSearch, openTools }: RunSearchDeps<Tools>,
): Promise<void> {
  const search = findSearch(job.search)
  if (!search)
    throw new SearchFailed(`This installation has no search of the type “${job.search}”.`)
  const input = search.input.safeParse(job.input)
  if (!input.success) {
    const [issue] = input.error.issues
    throw new SearchFailed(
      `Its input no longer fits: ${issue ? `${issue.path.join('.')}: ${issue.message}` : 'it is invalid'}`,
    )
  }

  const tools = openTools()
  const timeoutMs = search.timeoutMs ?? defaultTimeoutMs
  const timer = setTimeout(() => abort.abort(new TimedOut(timeoutMs)), timeoutMs)
  const { signal } = abort
  const context: SearchContext<Tools> = {
    ...tools,
    signal,
    progress: (progress) => run.progress(progress),
    note: (text) => run.note(text),
  }
  const rows = search.run(input.data, context)[Symbol.asyncIterator]()
  const aborted = rejectionBy(signal)
  try {
    for (;;) {
      const next = await Promise.race([rows.next(), aborted])
      if (next.done) return
      await run.add(next.value)
    }
  } catch (error) {
    forPeople(error)
  } finally {
    clearTimeout(timer)
    // They are closed when the search has let go of them, never under a query: that hung the whole
    // process at its exit.
    const letGo = Promise.resolve(rows.return?.())
      .catch(() => {})
      .then(() => tools.close())
    await Promise.race([letGo, delay(deafAfterMs, undefined, { ref: false })])
  }
}

/** Never resolves; rejects with the signal's reason. */
function rejectionBy(signal: AbortSignal): Promise<never> {
  const rejection = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  // It may reject while nobody waits for it: between two rows.
  rejection.catch(() => {})
  return rejection
}
