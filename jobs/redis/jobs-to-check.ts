import { z } from 'zod'
import { keys, type Shard } from './keys.ts'
import { plainScript, runScript } from './scripts.ts'
import type { JobStore } from './store.ts'

const checkScript = plainScript('jobs-to-check')

const Ids = z.array(z.string())

/**
 * The next live jobs of a shard to check, at most `limit`. Calls cycle through all of them, and
 * share one cursor among all reconcilers.
 */
export async function jobsToCheck(shard: Shard, limit: number, store: JobStore): Promise<string[]> {
  return Ids.parse(
    await runScript(store.redis, checkScript, [keys.live(shard), keys.shard(shard)], [limit]),
  )
}
