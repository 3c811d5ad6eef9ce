import type { Row, Search } from '#jobs/define-search.ts'
import { HandBack, messageFor, PassingError, SearchFailed, TimedOut, WriteRefused } from '#jobs/errors.ts'
import type { Job } from '#jobs/job.ts'
import type { Log } from '#jobs/redis/connect.ts'
import { type Delivery, startJob, writeRun } from '#jobs/redis/run-writes.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { TrackedRun } from '#jobs/tracked-run.ts'
import type { RunningJobs } from './running-jobs.ts'

const defaultTimeoutMs = 15 * 60_000

export interface RunDeps<Index> {
  store: JobStore
  findSearch(name: string): Search<Index> | undefined
  /** One whole generation of the index for the length of a run. */
  openIndex(): Promise<Index & { close(): void | Promise<void> }>
  running: RunningJobs
  now(): Date
  log: Log
}

/** What the queue lets us do with a delivery besides finishing it. */
export interface QueueDelivery extends Delivery {
  /** Attempts after this one. */
  attemptsLeft: number
  /** Puts the job back for another worker, and throws what tells the queue so. */
  handBack(): Promise<never>
}

/**
 * Runs one delivery of a job: names it, sets it running, runs its search, sets it complete; records any error with a message,
 * since an error in another process reaches nobody else.
 * @throws PassingError when the queue should try again; otherwise the job's ending is in its record
 */
export async function runJob<Index>(delivery: QueueDelivery, deps: RunDeps<Index>): Promise<void> {
  const { store, running, now, log } = deps
  const job = await startJob(delivery, now(), store)
  if (!job) return
  const abort = running.add(job.id)
  const run = new TrackedRun(job.attempt, {
    write: (write) => writeRun(job, write, store),
    now,
    onRefused: () => abort.abort(new WriteRefused()),
    signal: abort.signal,
  })
  try {
    await runSearch(job, run, abort, deps)
    await run.complete()
  } catch (cause) {
    const error: unknown = abort.signal.aborted ? abort.signal.reason : cause
    if (error instanceof WriteRefused) return
    if (error instanceof HandBack) {
      run.note('The worker is shutting down; another one will run the search.')
      await run.flush().catch(ignoreRefused)
      return await delivery.handBack()
    }
    if (error instanceof PassingError && delivery.attemptsLeft > 0) {
      run.note(`Will try again: ${error.message}`)
      await run.flush()
      throw error
    }
    if (!(error instanceof SearchFailed)) log.error({ err: error, job: job.id, search: job.search }, 'A search failed')
    await run.fail(messageFor(error)).catch(ignoreRefused)
  } finally {
    running.remove(job.id)
  }
}

/** Feeds the run with the search's rows until it is through, or until the abort: then the abort's reason is thrown. */
async function runSearch<Index>(job: Job, run: TrackedRun, abort: AbortController, deps: RunDeps<Index>): Promise<void> {
  const search = deps.findSearch(job.search)
  if (!search) throw new SearchFailed(`This installation has no search of the type “${job.search}”.`)
  const input = search.input.safeParse(job.input)
  if (!input.success) {
    const issue = input.error.issues[0]
    throw new SearchFailed(`Its input no longer fits: ${issue ? `${issue.path.join('.')}: ${issue.message}` : 'it is invalid'}`)
  }
  const timeoutMs = search.timeoutMs ?? defaultTimeoutMs
  const timer = setTimeout(() => abort.abort(new TimedOut(timeoutMs)), timeoutMs)
  const index = await deps.openIndex()
  try {
    const { signal } = abort
    const context = {
      index,
      signal,
      progress: (progress: Parameters<typeof run.progress>[0]) => run.progress(progress),
      note: (text: string) => run.note(text),
    }
    for await (const row of untilAborted(search.run(input.data, context), signal)) await run.add(row)
    signal.throwIfAborted()
  } finally {
    clearTimeout(timer)
    await index.close()
  }
}

/** Ends with the signal even if the search does not listen to it: a slot of the worker is never held by a deaf search. */
async function* untilAborted(rows: AsyncIterable<Row>, signal: AbortSignal): AsyncIterable<Row> {
  const iterator = rows[Symbol.asyncIterator]()
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  aborted.catch(() => {})
  signal.throwIfAborted()
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted])
      if (next.done) return
      yield next.value
    }
  } finally {
    // Not awaited: a search that is stuck in a call would keep us here. Its own clean-up may run a little later.
    iterator.return?.().catch(() => {})
  }
}

function ignoreRefused(error: unknown): void {
  if (!(error instanceof WriteRefused)) throw error
}
