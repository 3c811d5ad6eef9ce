import { z } from 'zod'
import { WriteRefused } from '../errors.ts'
import type { NoteEvent, ProgressEvent } from '../events.ts'
import type { Job, JobInput } from '../job.ts'
import type { RunWrite } from '../run-write.ts'
import { keys } from './keys.ts'
import { changeScripts, runScript } from './scripts.ts'
import { type JobRef, type JobStore, shardOf } from './store.ts'

/** One delivery of a job by the queue; each starts a new attempt. */
export interface Delivery extends JobRef {
  /** BullMQ's `attemptsStarted`. It rises with every delivery, so it serves as the fence. */
  number: number
  /** BullMQ's lock token. */
  token: string
  /** The process that holds it, for users. */
  worker: string
}

/** The answer of scripts/start-attempt.lua. */
export const Started = z.union([
  z.tuple([z.literal('started'), z.string(), z.string()]),
  z.tuple([z.enum(['refused', 'gone'])]),
])

export interface StartedJob {
  input: JobInput
  /** The worker of the previous attempt, if that attempt ended without a note that says why. */
  lostWorker: string | null
}

/** The data of the event that starts an attempt, before and after its number. */
export function startEvent(worker: string): [head: string, tail: string] {
  return ['{"state":"running","attempt":', `,"worker":${JSON.stringify(worker)}}`]
}

/** The started job; null if it has ended or a later delivery holds it. */
export function parseStarted(answer: unknown): StartedJob | null {
  const [outcome, input, lost] = Started.parse(answer)
  return outcome === 'started' ? { input: JSON.parse(input), lostWorker: lost || null } : null
}

/**
 * Starts the attempt of a job that the queue delivered without starting it. Null if the job has
 * ended or a later delivery holds it.
 */
export async function startJob(delivery: Delivery, store: JobStore): Promise<StartedJob | null> {
  const { number, token, worker } = delivery
  return parseStarted(
    await runScript(
      store.redis,
      changeScripts.start,
      [keys.record(shardOf(delivery, store), delivery.id)],
      [number, token, worker, ...startEvent(worker)],
    ),
  )
}

/** The answer of scripts/write-run.lua. */
export const Written = z.enum(['applied', 'ended', 'overtaken', 'rolled_back'])

/**
 * Applies a write of a run once, however often it is sent.
 * @throws {WriteRefused} if the job has ended, a later attempt has taken over, or the store has
 * lost writes that it had acknowledged.
 */
export async function writeRun(job: JobRef, write: RunWrite, store: JobStore): Promise<void> {
  const answer = Written.parse(
    await runScript(
      store.redis,
      changeScripts.write,
      [keys.record(shardOf(job, store), job.id)],
      writeArgs(write),
    ),
  )
  if (answer !== 'applied') throw new WriteRefused(answer)
}

/** The args of scripts/write-run.lua. */
export function writeArgs(write: RunWrite): (string | number)[] {
  const { attempt, n, progress, ending, attemptOver, events } = write
  const progressEvent: ProgressEvent | null = progress && { ...progress, attempt }
  return [
    attempt,
    n,
    progressEvent ? JSON.stringify(progressEvent) : '',
    ending?.state ?? '',
    ending?.message ? JSON.stringify(ending.message) : '',
    ending?.stack ?? '',
    attemptOver ? '1' : '',
    ...events.flatMap(({ type, data, rows, patches = [] }) => [
      type,
      data,
      rows,
      ...(type === 'patch' ? [patches.length, ...patches.flat()] : []),
    ]),
  ]
}

const Noted = z.enum(['noted', 'changed', 'already_noted'])

/** Why an attempt is over although the job goes on. */
export interface AttemptOver {
  why: string
  /** The process that ran it. */
  worker: string
}

/**
 * Ends an attempt from outside its run, such as that of a lost worker: notes why it is over
 * although the job goes on. `changed`: since it was read, the job has ended or begun another
 * attempt.
 */
export async function endAttempt(
  job: Job,
  { why, worker }: AttemptOver,
  store: JobStore,
): Promise<z.infer<typeof Noted>> {
  const event: Omit<NoteEvent, 'at'> = { attempt: job.attempt, text: why, worker }
  return Noted.parse(
    await runScript(
      store.redis,
      changeScripts.endAttempt,
      [keys.record(shardOf(job, store), job.id)],
      [job.attempt, JSON.stringify(event)],
    ),
  )
}
