import {
  HandBack,
  messageFor,
  PassingError,
  SearchFailed,
  stackFor,
  WriteRefused,
} from '#jobs/errors.ts'
import type { Log } from '#jobs/log.ts'
import { type Delivery, type StartedJob, startJob, writeRun } from '#jobs/redis/attempt.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import type { RunWrite } from '#jobs/run-write.ts'
import { TrackedRun } from '#jobs/tracked-run.ts'
import { type RunSearchDeps, runSearch } from './run-search.ts'
import type { RunningJobs } from './running-jobs.ts'

export interface RunDeps<Tools> extends RunSearchDeps<Tools> {
  store: JobStore
  running: RunningJobs
  log: Log
}

/** A delivery, and what the queue allows besides finishing it. */
export interface QueueDelivery extends Delivery {
  /** The job, if the step that fetched it has started it; else null. */
  started: StartedJob | null
  /** How often the search may still be retried after a `PassingError`. */
  retriesLeft: number
  /** Hands over the last write, which is applied in the step that removes the job's entry. */
  endWith(write: RunWrite): void
  /** Returns the job to the queue, and throws the error that tells BullMQ so. */
  handBack(): Promise<never>
}

/**
 * Runs one delivery of a job: runs its search and sets it complete. Records any error in the job
 * with a message, since an error in a worker process is visible nowhere else.
 * @throws PassingError if the queue should retry, and what `handBack` throws. Otherwise the job's
 * ending is handed over with `endWith`, or another process has ended it.
 */
export async function runJob<Tools>(delivery: QueueDelivery, deps: RunDeps<Tools>): Promise<void> {
  const { store, running, log } = deps
  const started = delivery.started ?? (await startJob(delivery, store))
  if (!started) return
  const { input, lostWorker } = started
  const { id, search, number: attempt, worker } = delivery
  const current = running.add(id, attempt)
  const { signal } = current.abort
  const run = new TrackedRun(attempt, {
    async write(write) {
      if (write.ending) delivery.endWith(write)
      else await writeRun(delivery, write, store)
    },
    onRefused: (refusal) => current.abort.abort(refusal),
    signal,
  })
  if (lostWorker !== null)
    run.note('The worker stopped responding. The search is starting over.', lostWorker)
  try {
    await runSearch({ id, search, input }, run, current.abort, deps)
    await run.complete()
  } catch (cause) {
    const error: unknown = signal.aborted ? signal.reason : cause
    if (error instanceof WriteRefused) return await stopQuietly(error)
    if (error instanceof HandBack) {
      await endAttempt(`${error.message} The search will start over.`)
      return await delivery.handBack()
    }
    if (error instanceof PassingError && delivery.retriesLeft > 0) {
      await endAttempt(`Attempt ${attempt} failed and will be retried. ${error.message}`)
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

  /** This run is obsolete. Only after a rollback of the store does the job have to start over. */
  async function stopQuietly(refusal: WriteRefused): Promise<void> {
    if (refusal.why === 'rolled_back') await delivery.handBack()
  }

  /** Notes why this attempt is over. Losing the note does the job no harm. */
  async function endAttempt(why: string): Promise<void> {
    await run.endAttempt(why, worker).catch((problem) => {
      if (!(problem instanceof WriteRefused))
        log.warn({ err: problem, job: id }, 'Could not note why an attempt is over')
    })
  }
}
