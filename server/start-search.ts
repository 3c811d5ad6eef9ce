import { createHash } from 'node:crypto'
import { v7 as uuidV7 } from 'uuid'
import type { Search } from '#jobs/define-search.ts'
import { AlreadyRunning } from '#jobs/errors.ts'
import { JobInput } from '#jobs/job.ts'
import { makeJobId, shardOfUser } from '#jobs/job-id.ts'
import type { Log } from '#jobs/log.ts'
import { createJob, type NewJob, type WaitingLimits } from '#jobs/redis/create-job.ts'
import { briefOf } from '#jobs/redis/record.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { freeStrayLock } from '#jobs/redis/stray-lock.ts'
import type { AcceptedNotes } from './accepted-notes.ts'

export interface StartDeps {
  store: JobStore
  accepted: AcceptedNotes
  waitingLimits: WaitingLimits
  now(): Date
  log: Log
}

export interface SearchRequest {
  userId: string
  search: Pick<Search, 'name' | 'attempts'>
  /** As the caller sent it, not the parsed result. The search's schema has accepted it. */
  input: JobInput
  /** The caller's `Idempotency-Key`. */
  idempotencyKey?: string | undefined
}

/**
 * Starts a search, unless the user already has one of this type running.
 * @returns `replayed` when the idempotency key named an earlier job; `id` is then that job's
 * @throws {AlreadyRunning}
 * @throws {IdempotencyMismatch}
 * @throws {TooManyWaiting}
 */
export async function startSearch(
  request: SearchRequest,
  deps: StartDeps,
): Promise<{ id: string; replayed: boolean }> {
  const { userId, search, input, idempotencyKey } = request
  const { store, now } = deps
  const at = now()
  const created = await createUnlessRunning(
    {
      id: makeJobId(shardOfUser(userId, store.shards), uuidV7({ msecs: at.getTime() })),
      userId,
      search: search.name,
      input,
      attempts: search.attempts,
      idempotency:
        idempotencyKey === undefined
          ? undefined
          : { key: idempotencyKey, fingerprint: fingerprint(search.name, input) },
    },
    deps,
  )
  if (!created.replayed) {
    const { id } = created
    const brief = JobInput.parse(briefOf(input))
    deps.accepted.add({ id, userId, search: search.name, input, brief, acceptedAt: at })
  }
  return created
}

/**
 * Creates the job. A lock is freed in the same step that ends its job, so a lock without a live job
 * should not exist; if one does, frees it, or its user could never start this type again.
 */
async function createUnlessRunning(
  job: NewJob,
  { store, waitingLimits, log }: StartDeps,
): Promise<{ id: string; replayed: boolean }> {
  try {
    return await createJob(job, waitingLimits, store)
  } catch (error) {
    if (!(error instanceof AlreadyRunning)) throw error
    const lock = await freeStrayLock(job, error.jobId, store)
    if (lock === 'held') throw error
    if (lock === 'freed')
      log.error(
        { user: job.userId, search: job.search, job: error.jobId },
        'Broken invariant: freed a lock that had no live job',
      )
    return createJob(job, waitingLimits, store)
  }
}

function fingerprint(search: string, input: Record<string, unknown>): string {
  return createHash('sha256')
    .update(JSON.stringify([search, input]))
    .digest('base64url')
}
