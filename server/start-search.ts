import { createHash } from 'node:crypto'
import { v7 as uuidV7 } from 'uuid'
import type { Search } from '#jobs/define-search.ts'
import { makeJobId, shardOfUser } from '#jobs/job-id.ts'
import type { Log } from '#jobs/redis/connect.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { enqueueJob, type Queues } from '#jobs/redis/queue.ts'
import type { JobStore } from '#jobs/redis/store.ts'

export interface StartDeps {
  store: JobStore
  queues: Queues
  now(): Date
  log: Log
}

export interface SearchRequest {
  userId: string
  search: Pick<Search, 'name' | 'attempts'>
  /** Parsed by the search's own schema. */
  input: Record<string, unknown>
  /** The caller's `Idempotency-Key`. */
  idempotencyKey?: string | undefined
}

/**
 * Starts a search, unless this user has one of its type running. Should this process die between record and queue, or the queue not
 * answer, the reconciler enqueues the job: it is started all the same.
 * @throws {AlreadyRunning} @throws {IdempotencyMismatch}
 */
export async function startSearch(request: SearchRequest, deps: StartDeps): Promise<{ id: string; replayed: boolean }> {
  const { userId, search, input, idempotencyKey } = request
  const { store, queues, now, log } = deps
  const at = now()
  const job = {
    id: makeJobId(shardOfUser(userId, store.shards), uuidV7({ msecs: at.getTime() })),
    userId,
    search: search.name,
    input,
    createdAt: at,
    idempotency: idempotencyKey === undefined ? undefined : { key: idempotencyKey, fingerprint: fingerprint(search.name, input) },
  }
  const created = await createJob(job, store)
  if (!created.replayed) {
    await enqueueJob(job, { attempts: search.attempts }, queues).catch((error) =>
      log.warn({ err: error, job: job.id }, 'Could not enqueue a job; the reconciler will'),
    )
  }
  return created
}

function fingerprint(search: string, input: Record<string, unknown>): string {
  return createHash('sha256')
    .update(JSON.stringify([search, input]))
    .digest('base64url')
}
