import { z } from 'zod'
import type { StateEvent } from '../events.ts'
import type { Job } from '../job.ts'
import type { Ending } from '../lifecycle.ts'
import { keys } from './keys.ts'
import { changeScripts, runScript } from './scripts.ts'
import { type JobStore, shardOf } from './store.ts'

export interface OutsideEnding {
  state: Exclude<Ending, 'complete'>
  message: string
}

const Ended = z.enum(['ended', 'changed', 'gone'])

/**
 * Ends a job from outside its run. `changed`: its state or attempt is no longer the one in `job`;
 * read it again.
 */
export async function endJob(
  job: Job,
  ending: OutsideEnding,
  store: JobStore,
): Promise<z.infer<typeof Ended>> {
  const { state, message } = ending
  const event: Omit<StateEvent, 'at'> = { state, attempt: job.attempt, message }
  return Ended.parse(
    await runScript(
      store.redis,
      changeScripts.end,
      [keys.record(shardOf(job, store), job.id)],
      [job.state, job.attempt, state, JSON.stringify(message), JSON.stringify(event)],
    ),
  )
}
