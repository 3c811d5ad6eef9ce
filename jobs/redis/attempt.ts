import { z } from 'zod'
import { WriteRefused } from '../errors.ts'
import type { NoteEvent, ProgressEvent, StateEvent } from '../events.ts'
import type { Job, JobInput } from '../job.ts'
import type { RunWrite } from '../run-write.ts'
import { keys } from './keys.ts'
import { writeEntry } from './log-entry.ts'
import { changeScript, runScript } from './scripts.ts'
import { type JobRef, type JobStore, shardOf } from './store.ts'

const startScript = changeScript('start-job')
const writeScript = changeScript('write-run')
const endScript = changeScript('end-attempt')

/** One delivery of a job by the queue; each starts a new attempt. */
export interface Delivery extends JobRef {
  /** BullMQ's `attemptsStarted`. It rises with every delivery, so it serves as the fence. */
  number: number
  /** BullMQ's lock token. */
  token: string
  /** The process that holds it, for users. */
  worker: string
}

const Started = z.union([
  z.tuple([z.literal('started'), z.string(), z.string()]),
  z.tuple([z.enum(['refused', 'gone'])]),
])

export interface StartedJob {
  input: JobInput
  /** The worker of the previous attempt, if that attempt ended without a note that says why. */
  lostWorker: string | null
}

/** Starts the delivery's attempt. Null if the job has ended or a later delivery holds it. */
export async function startJob(
  delivery: Delivery,
  at: Date,
  store: JobStore,
): Promise<StartedJob | null> {
  const { number, token, worker } = delivery
  const event: StateEvent = { at: at.toISOString(), state: 'running', attempt: number, worker }
  const [answer, input, lost] = Started.parse(
    await runScript(
      store.redis,
      startScript,
      [keys.record(shardOf(delivery, store), delivery.id)],
      [number, token, worker, at.getTime(), writeEntry('state', event)],
    ),
  )
  return answer === 'started' ? { input: JSON.parse(input), lostWorker: lost || null } : null
}

const Written = z.enum(['applied', 'ended', 'overtaken', 'rolled_back'])

/**
 * Applies a write of a run once, however often it is sent.
 * @throws {WriteRefused} if the job has ended, a later attempt has taken over, or the store has
 * lost writes that it had acknowledged.
 */
export async function writeRun(job: JobRef, write: RunWrite, store: JobStore): Promise<void> {
  const { attempt, n, progress, ending, attemptOver, events } = write
  const progressEvent: ProgressEvent | null = progress && { ...progress, attempt }
  const answer = Written.parse(
    await runScript(
      store.redis,
      writeScript,
      [keys.record(shardOf(job, store), job.id)],
      [
        attempt,
        n,
        progressEvent ? JSON.stringify(progressEvent) : '',
        ending?.state ?? '',
        ending?.message ? JSON.stringify(ending.message) : '',
        ending?.at.getTime() ?? '',
        ending?.stack ?? '',
        attemptOver ? '1' : '',
        ...events.flatMap(({ type, data, rows }) => [`${type}|${data}`, rows]),
      ],
    ),
  )
  if (answer !== 'applied') throw new WriteRefused(answer)
}

const Noted = z.enum(['noted', 'changed', 'already_noted'])

/** Why an attempt is over although the job goes on. */
export interface AttemptOver {
  why: string
  /** The process that ran it. */
  worker: string
  at: Date
}

/**
 * Ends an attempt from outside its run, such as that of a lost worker: notes why it is over
 * although the job goes on. `changed`: since it was read, the job has ended or begun another
 * attempt.
 */
export async function endAttempt(
  job: Job,
  { why, worker, at }: AttemptOver,
  store: JobStore,
): Promise<z.infer<typeof Noted>> {
  const event: NoteEvent = { at: at.toISOString(), attempt: job.attempt, text: why, worker }
  return Noted.parse(
    await runScript(
      store.redis,
      endScript,
      [keys.record(shardOf(job, store), job.id)],
      [job.attempt, writeEntry('note', event)],
    ),
  )
}
