import { randomUUID } from 'node:crypto'
import { v7 as uuidV7 } from 'uuid'
import { startJob, writeRun } from '#jobs/redis/attempt.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import type { JobRef } from '#jobs/redis/store.ts'
import { log } from '../measure.ts'
import type { BenchEnvironment, Contender, Publisher } from './contender.ts'
import { openSocketIo } from './wire-client.ts'

/** Searchlight: jobs in the store, events written by the workers' scripts, clients that watch. */
export const searchlight: Contender = {
  name: 'searchlight',
  server: 'searchlight-server.ts',
  openPublisher: openRuns,
  async watch(url, jobIds, { apiKey }, onText) {
    const client = await openSocketIo(url, apiKey, onText)
    const answer = await client.request('watch', { jobs: jobIds.map((id) => ({ id })) })
    if (answer.includes('"error"')) throw new Error(`The watch was refused: ${answer}`)
    return client
  },
}

/** Writes events of jobs without awaiting each: one connection keeps their order. */
export async function openRuns({ redis, userId }: BenchEnvironment): Promise<Publisher> {
  const store = await openStore({
    url: redis,
    namespace: 'sl',
    shards: 1,
    name: 'bench',
    retries: null,
    makeEpoch: randomUUID,
    log,
  })
  const runs = new Map<string, { job: JobRef; n: number }>()
  let created = 0
  return {
    async begin() {
      // A user can run one job of a type at a time, so each job has its own type.
      const job = { id: `0-${uuidV7()}`, userId, search: `search-${created++}` }
      await createJob(
        { ...job, input: { domain: 'example.com' }, createdAt: new Date() },
        { inAll: 1_000_000, perUser: null },
        store,
      )
      await startJob({ ...job, number: 1, token: 'token', worker: 'bench:1' }, store)
      runs.set(job.id, { job, n: 0 })
      return job.id
    },
    async publish(jobId, { type, data }) {
      const run = runs.get(jobId)
      if (!run) throw new Error(`No run of ${jobId}`)
      const events = [{ type, data: JSON.stringify(data), rows: type === 'rows' ? 1 : 0 }]
      const ending = type === 'state' ? { state: data.state, message: null, stack: null } : null
      await writeRun(
        run.job,
        { attempt: 1, n: ++run.n, events, progress: null, ending, attemptOver: false },
        store,
      )
    },
    async close() {
      store.redis.disconnect()
    },
  }
}
