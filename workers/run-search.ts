import type { Search, SearchContext } from '#jobs/define-search.ts'
import { SearchFailed, TimedOut } from '#jobs/errors.ts'
import type { JobInput } from '#jobs/job.ts'
import type { TrackedRun } from '#jobs/tracked-run.ts'
import { errorForUsers } from './error-for-users.ts'

export interface RunSearchDeps<Tools> {
  findSearch(name: string): Search<Tools> | undefined
  /** Creates the tools of one run. @param job its id */
  openTools(job: string): Tools & { close(): void | Promise<void> }
}

const defaultTimeoutMs = 15 * 60_000
/** How long an aborted search may take to stop before its slot is freed. */
const stopWithinMs = 2_000

/**
 * Adds a search's rows to the run until the search ends.
 * @throws {SearchFailed} if this installation can't run the search, or the abort's reason
 */
export async function runSearch<Tools>(
  job: { id: string; search: string; input: JobInput },
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
      `The input is no longer valid${issue ? ` (${issue.path.join('.')}: ${issue.message})` : ''}. Start a new search.`,
    )
  }

  const tools = openTools(job.id)
  const timeoutMs = search.timeoutMs ?? defaultTimeoutMs
  const timer = setTimeout(() => abort.abort(new TimedOut(timeoutMs)), timeoutMs)
  const { signal } = abort
  const columns = new Set(search.columns.map(({ key }) => key))
  const context: SearchContext<Tools> = {
    ...tools,
    signal,
    progress: (progress) => run.progress(progress),
    note: (text) => run.note(text),
    update(index, cells) {
      const unknown = Object.keys(cells).find((key) => !columns.has(key))
      if (unknown !== undefined) throw new TypeError(`There is no column “${unknown}” to change`)
      run.update(index, cells)
    },
  }
  const rows = search.run(input.data, context)
  const aborted = rejectOnAbort(signal)
  try {
    // The first value is ignored: it answers no `yield`.
    for (let index = 0; ; ) {
      const next = await Promise.race([rows.next(index), aborted])
      if (next.done) return
      index = await run.add(next.value)
    }
  } catch (error) {
    throw errorForUsers(error)
  } finally {
    clearTimeout(timer)
    // The tools are closed after the search has stopped, never under a running query: that hung the
    // whole process at its exit.
    const closed = Promise.resolve(rows.return())
      .catch(() => {})
      .then(() => tools.close())
    await atMost(stopWithinMs, closed)
  }
}

/** Waits for a task, but no longer than this. */
async function atMost(ms: number, task: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const overdue = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([task, overdue])
  clearTimeout(timer)
}

/** Never resolves; rejects with the signal's reason. */
function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const rejection = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  // It may reject between two rows, while no race awaits it.
  rejection.catch(() => {})
  return rejection
}
