import {
  HandBack,
  messageFor,
  PassingError,
  SearchFailed,
  stackFor,
  WriteRefused,
} from '#jobs/errors.ts'
import type { Log } from '#jobs/log.ts'
import { type Delivery, startJob, writeRun } from '#jobs/redis/attempt.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { TrackedRun } from '#jobs/tracked-run.ts'
import { type RunSearchDeps, runSearch } from './run-search.ts'
import type { RunningJobs } from './running-jobs.ts'

export interface RunDeps<Tools> extends RunSearchDeps<Tools> {
  store: JobStore
  running: RunningJobs
  now(): Date
  log: Log
}

/** What the queue lets us do with a delivery besides finishing it. */
export interface QueueDelivery extends Delivery {
  /** How often the search may still fail with a `PassingError` and be tried again. */
  retriesLeft: number
  /** Puts the job back for another worker, and throws what tells the queue so. */
  handBack(): Promise<never>
}

/**
 * Runs one delivery of a job: names it, sets it running, runs its search, sets it complete; records
 * any error with a message, since an error in another process reaches nobody else.
 * @throws PassingError when the queue should try again, and what `handBack` throws; otherwise the
 * job's ending is in its record
 */
export async function runJob<Tools>(delivery: QueueDelivery, deps: RunDeps<Tools>): Promise<void> {
  const { store, running, now, log } = deps
  const started = await startJob(delivery, now(), store)
  if (!started) return
  const { input, lostWorker } = started
  const { id, search, number: attempt, worker } = delivery
  const current = running.add(id, attempt)
  const { signal } = current.abort
  const run = new TrackedRun(attempt, {
    write: (write) => writeRun(delivery, write, store),
    now,
    onRefused: (refusal) => current.abort.abort(refusal),
    signal,
  })
  if (lostWorker !== null)
    run.note(
      'The worker that ran this search was lost; it is run again from its beginning.',
      lostWorker,
    )
  try {
    await runSearch({ search, input }, run, current.abort, deps)
    await run.complete()
  } catch (cause) {
    const error: unknown = signal.aborted ? signal.reason : cause
    if (error instanceof WriteRefused) return await stopQuietly(error)
    if (error instanceof HandBack) {
      await leave(`${error.message}; the search will be run again from its beginning.`)
      return await delivery.handBack()
    }
    if (error instanceof PassingError && delivery.retriesLeft > 0) {
      await leave(`Attempt ${attempt} failed and another one will follow: ${error.message}`)
      throw error
    }
    if (!(error instanceof SearchFailed))
      log.error({ err: error, job: id, search, attempt }, 'A search failed')
    await run.fail(messageFor(error), stackFor(error)).catch((problem) => {
      if (problem instanceof WriteRefused) return stopQuietly(problem)
      throw problem
    })
  } finally {
    run.stop()
    running.remove(current)
  }

  /**
   * Nobody wants this run any more. Only where the store was rolled back does the job have to begin
   * anew.
   */
  async function stopQuietly(refusal: WriteRefused): Promise<void> {
    if (refusal.why === 'rolled_back') await delivery.handBack()
  }

  /**
   * The last words of a run that goes on elsewhere: should they be lost, the job is none the worse.
   */
  async function leave(why: string): Promise<void> {
    await run.leave(why, worker).catch((problem) => {
      if (!(problem instanceof WriteRefused))
        log.warn({ err: problem, job: id }, 'Could not note why a run ended')
    })
  }
}
