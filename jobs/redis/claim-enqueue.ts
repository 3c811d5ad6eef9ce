import { z } from 'zod'
import { keys } from './keys.ts'
import { plainScript, runScript } from './scripts.ts'
import { type JobRef, type JobStore, shardOf } from './store.ts'

const claimScript = plainScript('claim-enqueue')

/** How long the last attempt to enqueue a job may take, and how often reconcilers repeat it. */
const enqueueing = { patienceMs: 5_000, maxTimes: 3 }

const Claim = z.enum(['enqueue', 'wait', 'changed', 'too_often'])

/**
 * Decides whether the caller should enqueue a job that has not started and that the queue does not
 * know. `changed`: it is no longer new. `too_often`: it keeps vanishing from the queue.
 */
export async function claimEnqueue(
  job: JobRef,
  at: Date,
  store: JobStore,
): Promise<z.infer<typeof Claim>> {
  const shard = shardOf(job, store)
  return Claim.parse(
    await runScript(
      store.redis,
      claimScript,
      [keys.record(shard, job.id), keys.live(shard)],
      [job.id, at.getTime(), enqueueing.patienceMs, enqueueing.maxTimes],
    ),
  )
}
