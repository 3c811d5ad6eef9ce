import { z } from 'zod'
import type { NoteEvent, StateEvent } from '../events.ts'
import type { Job } from '../job.ts'
import type { Ending } from '../lifecycle.ts'
import { jobKeys } from './keys.ts'
import { changeScript, runScript } from './scripts.ts'
import { type JobStore, shardOf } from './store.ts'

const endScript = changeScript('end-job')
const noteScript = changeScript('note-job')

export interface OutsideEnding {
  state: Exclude<Ending, 'complete'>
  message: string
  at: Date
}

const Ended = z.enum(['ended', 'changed', 'gone'])

/**
 * Ends a job from outside its run, as it was read. `changed`: it is in another state or attempt now, read it again.
 */
export async function endJob(job: Job, ending: OutsideEnding, store: JobStore): Promise<z.infer<typeof Ended>> {
  const at = ending.at.toISOString()
  const event: StateEvent = { at, state: ending.state, attempt: job.attempt, message: ending.message }
  return Ended.parse(
    await runScript(store.redis, endScript, jobKeys(shardOf(job, store), job), [
      job.state,
      job.attempt,
      ending.state,
      JSON.stringify(ending.message),
      at,
      ending.at.getTime(),
      JSON.stringify(event),
    ]),
  )
}

const Noted = z.enum(['noted', 'changed'])

/** Adds a sentence to the timeline of a live job as it was read. `changed`: it has ended or is in another attempt now. */
export async function noteJob(job: Job, text: string, at: Date, store: JobStore): Promise<z.infer<typeof Noted>> {
  const event: NoteEvent = { at: at.toISOString(), attempt: job.attempt, text }
  return Noted.parse(
    await runScript(store.redis, noteScript, jobKeys(shardOf(job, store), job), [job.attempt, JSON.stringify(event)]),
  )
}
