import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import type { Job } from '#jobs/job.ts'
import type { Delivery } from '#jobs/redis/attempt.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { createJob, type NewJob, type WaitingLimits } from '#jobs/redis/create-job.ts'
import { renewEpochs } from '#jobs/redis/epoch.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { quietLog } from '../quiet-log.ts'
import { redisUrl, uniquePrefix } from '../services.ts'

/** Opens a store under a unique prefix on the Redis of this test run, or on another one. */
export async function openStore(
  namespace = uniquePrefix(),
  shards = 1,
  url = redisUrl(),
): Promise<JobStore & { close(): void }> {
  const redis = connectRedis(url, { name: 'test', log: quietLog, retries: null })
  const store = { redis, namespace, shards }
  await renewEpochs(uuid, store)
  return { ...store, close: () => redis.disconnect() }
}

export function newRef(search = 'linking-domains', userId = `user-${uuid()}`): JobRef {
  return { id: `0-${uuidV7()}`, userId, search }
}

/** Limits that no test reaches. */
export const roomy: WaitingLimits = { inAll: 10_000, perUser: 100 }

export async function newJob(
  store: JobStore,
  ref = newRef(),
  {
    input = { domain: 'example.com' },
    ...more
  }: Partial<Pick<NewJob, 'input' | 'createdAt' | 'attempts'>> = {},
): Promise<JobRef> {
  await createJob({ ...ref, input, ...more }, roomy, store)
  return ref
}

export function delivery(ref: JobRef, number = 1, token = `token-${number}`): Delivery {
  return { ...ref, number, token, worker: 'test:1' }
}

export async function jobIn(store: JobStore, id: string): Promise<Job> {
  const reading = await readJob(id, null, store)
  if (!reading) throw new Error(`No job ${id}`)
  return reading.job
}
