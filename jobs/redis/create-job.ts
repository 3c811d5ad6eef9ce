import { z } from 'zod'
import { AlreadyRunning, IdempotencyMismatch, TooManyWaiting } from '../errors.ts'
import type { StateEvent } from '../events.ts'
import { keys } from './keys.ts'
import { entryOf } from './queue-entry.ts'
import { briefOf } from './record.ts'
import { changeScripts, runScript } from './scripts.ts'
import { type JobRef, type JobStore, shardOf } from './store.ts'

const rememberForSeconds = 24 * 60 * 60

export interface NewJob extends JobRef {
  input: Record<string, unknown>
  /** By default now, by the clock of Redis. */
  createdAt?: Date
  /** Maximum number of attempts; 3 by default. */
  attempts?: number | undefined
  /** The caller's key for the request and a hash of its content; a repeat gets the same job. */
  idempotency?: { key: string; fingerprint: string } | undefined
}

/** How many jobs may wait for a worker; more are refused until some have started. */
export interface WaitingLimits {
  inAll: number
  /** Null if no limit is needed, since a user has at most one active job of each type. */
  perUser: number | null
}

const Answer = z.union([
  z.tuple([z.literal('created'), z.coerce.number()]),
  z.tuple([z.enum(['already_running', 'replayed', 'mismatch']), z.string()]),
  z.tuple([z.enum(['too_many_waiting', 'too_many_waiting_of_user'])]),
])

/** `replayed`: an earlier request with this idempotency key created the job. */
export type CreatedJob =
  | { id: string; replayed: false; createdAt: Date }
  | { id: string; replayed: true }

/**
 * Creates the job, takes its owner's lock for that type and adds the job to its queue, or does
 * nothing. Creating the same id again is harmless.
 * @throws {AlreadyRunning} @throws {IdempotencyMismatch} @throws {TooManyWaiting}
 */
export async function createJob(
  job: NewJob,
  limits: WaitingLimits,
  store: JobStore,
): Promise<CreatedJob> {
  const { userId, search, createdAt, idempotency } = job
  const event: Omit<StateEvent, 'at'> = { state: 'new', attempt: 0 }
  const entry = entryOf(job)
  const input = JSON.stringify(job.input)
  const brief = JSON.stringify(briefOf(job.input))
  const [answer, detail] = Answer.parse(
    await runScript(
      store.redis,
      changeScripts.create,
      [keys.record(shardOf(job, store), job.id)],
      [
        userId,
        search,
        brief,
        input === brief ? '' : input,
        createdAt?.getTime() ?? '',
        JSON.stringify(event),
        // Each shard enforces its share.
        Math.ceil(limits.inAll / store.shards),
        limits.perUser ?? '',
        idempotency?.key ?? '',
        idempotency?.fingerprint ?? '',
        rememberForSeconds,
        entry.data,
        entry.options,
      ],
    ),
  )
  switch (answer) {
    case 'created':
      return { id: job.id, replayed: false, createdAt: new Date(detail) }
    case 'replayed':
      return { id: detail, replayed: true }
    case 'already_running':
      throw new AlreadyRunning(detail)
    case 'mismatch':
      throw new IdempotencyMismatch()
    case 'too_many_waiting':
      throw new TooManyWaiting('all')
    case 'too_many_waiting_of_user':
      throw new TooManyWaiting('yours')
  }
}
