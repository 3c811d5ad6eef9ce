import { z } from 'zod'
import { WriteRefused } from '../errors.ts'
import type { ProgressEvent, StateEvent } from '../events.ts'
import type { Job } from '../job.ts'
import type { RunWrite } from '../tracked-run.ts'
import { jobKeys } from './keys.ts'
import { parseRecord } from './record.ts'
import { changeScript, runScript } from './scripts.ts'
import { type JobRef, type JobStore, shardOf } from './store.ts'

const startScript = changeScript('start-job')
const writeScript = changeScript('write-run')

/** One hand-out of a job by the queue. */
export interface Delivery extends JobRef {
  /** BullMQ's `attemptsStarted`: rises at every hand-out, so it is the fence. */
  number: number
  /** BullMQ's lock token. */
  token: string
  /** The process that holds it, for people. */
  worker: string
}

const Started = z.union([
  z.tuple([z.literal('started'), z.string(), z.array(z.string())]),
  z.tuple([z.enum(['refused', 'gone'])]),
])

/** Starts the delivery's attempt, or answers null: someone else has the job, or it has ended. */
export async function startJob(delivery: Delivery, at: Date, store: JobStore): Promise<Job | null> {
  const event: StateEvent = { at: at.toISOString(), state: 'running', attempt: delivery.number, worker: delivery.worker }
  const answer = Started.parse(
    await runScript(store.redis, startScript, jobKeys(shardOf(delivery, store), delivery), [
      delivery.number,
      delivery.token,
      event.at,
      JSON.stringify(event),
    ]),
  )
  return answer[0] === 'started' ? parseRecord(answer[2], answer[1]) : null
}

/** @throws {WriteRefused} when the job has ended or a later attempt has taken over. */
export async function writeRun(job: JobRef, write: RunWrite, store: JobStore): Promise<void> {
  const { attempt, n, progress, ending, events } = write
  const progressEvent: ProgressEvent | null = progress && { ...progress, attempt }
  const answer = await runScript(store.redis, writeScript, jobKeys(shardOf(job, store), job), [
    attempt,
    n,
    progress ? JSON.stringify(progress) : '',
    progressEvent ? JSON.stringify(progressEvent) : '',
    ending?.state ?? '',
    ending?.message ? JSON.stringify(ending.message) : '',
    ending?.at ?? '',
    ending ? Date.parse(ending.at) : '',
    ...events.flatMap((event) => [event.type, event.data, event.rows]),
  ])
  if (answer !== 'applied') throw new WriteRefused()
}
