import { z } from 'zod'
import { AlreadyRunning, IdempotencyMismatch } from '../errors.ts'
import type { StateEvent } from '../events.ts'
import { jobKeys, keys } from './keys.ts'
import { briefOf } from './record.ts'
import { changeScript, runScript } from './scripts.ts'
import { type JobRef, type JobStore, shardOf } from './store.ts'

const createScript = changeScript('create-job')
const rememberForSeconds = 24 * 60 * 60

export interface NewJob extends JobRef {
  input: Record<string, unknown>
  createdAt: Date
  /** The caller's own name for the request, and what it asked for: the same pair again is answered with the same job. */
  idempotency?: { key: string; fingerprint: string } | undefined
}

const Answer = z.tuple([z.enum(['created', 'already_running', 'replayed', 'mismatch'])], z.string())

/**
 * Creates the job and takes its owner's lock for that type, or does nothing.
 * Creating the same id again is harmless. `replayed` tells that an earlier request with this idempotency key made the job.
 * @throws {AlreadyRunning} @throws {IdempotencyMismatch}
 */
export async function createJob(job: NewJob, store: JobStore): Promise<{ id: string; replayed: boolean }> {
  const shard = shardOf(job, store)
  const at = job.createdAt.toISOString()
  const event: StateEvent = { at, state: 'new', attempt: 0 }
  const [answer, id] = Answer.parse(
    await runScript(
      store.redis,
      createScript,
      [...jobKeys(shard, job), keys.idempotency(shard, job.userId, job.idempotency?.key ?? '')],
      [
        job.id,
        job.userId,
        job.search,
        JSON.stringify(job.input),
        JSON.stringify(briefOf(job.input)),
        at,
        job.createdAt.getTime(),
        JSON.stringify(event),
        job.idempotency?.fingerprint ?? '',
        rememberForSeconds,
      ],
    ),
  )
  if (answer === 'already_running') throw new AlreadyRunning(id ?? '')
  if (answer === 'mismatch') throw new IdempotencyMismatch()
  return answer === 'replayed' ? { id: id ?? '', replayed: true } : { id: job.id, replayed: false }
}
