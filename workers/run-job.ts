import { HandBack, messageFor, PassingError, SearchFailed, WriteRefused } from '#jobs/errors.ts'
import type { Log } from '#jobs/redis/connect.ts'
import { type Delivery, startJob, writeRun } from '#jobs/redis/run-writes.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { TrackedRun } from '#jobs/tracked-run.ts'
import { type RunSearchDeps, runSearch } from './run-search.ts'
import type { RunningJobs } from './running-jobs.ts'

export interface RunDeps<Index> extends RunSearchDeps<Index> {
  store: JobStore
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

function ignoreRefused(error: unknown): void {
  if (!(error instanceof WriteRefused)) throw error
}
