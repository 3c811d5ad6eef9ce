import { z } from 'zod'
import { keys } from './keys.ts'
import { plainScript, runScript } from './scripts.ts'
import { type JobStore, shardForUser } from './store.ts'

const freeScript = plainScript('free-stray-lock')

const Answer = z.enum(['held', 'freed', 'free'])

/**
 * Frees a user's lock for a type of search if the job that holds it has ended or is gone. `held`:
 * that job is live. `free`: the lock is no longer that job's.
 */
export async function freeStrayLock(
  { userId, search }: { userId: string; search: string },
  jobId: string,
  store: JobStore,
): Promise<z.infer<typeof Answer>> {
  const shard = shardForUser(userId, store)
  return Answer.parse(
    await runScript(
      store.redis,
      freeScript,
      [keys.lock(shard, userId, search), keys.record(shard, jobId)],
      [jobId],
    ),
  )
}
