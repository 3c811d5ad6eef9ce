import { EventEmitter, once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { v7 as uuidV7 } from 'uuid'
import { WriteRefused } from '#jobs/errors.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { readArchivedJob } from '#jobs/postgres/read-archive.ts'
import { startJob, writeRun } from '#jobs/redis/attempt.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { keys } from '#jobs/redis/keys.ts'
import { closeQueues, openQueues } from '#jobs/redis/queue.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { TrackedRun } from '#jobs/tracked-run.ts'
import { quietLog } from '#test/quiet-log.ts'
import { createArchiver } from '#workers/archive-ended.ts'
import { delivery, roomy } from '../jobs/job-fixture.ts'
import type { Plan } from './delivery-plan.ts'

const shard = { namespace: 'sl', number: 0 }
const rowsPerStep = 2
const now = () => new Date()

/** Runs the planned jobs with the scripts that workers use, and archives them. */
export function openLoad(
  plans: readonly Plan[],
  { REDIS_URL, DATABASE_URL }: { REDIS_URL: string; DATABASE_URL: string },
) {
  const connect = (name: string): JobStore => ({
    redis: connectRedis(REDIS_URL, { name, log: quietLog, retries: null }),
    namespace: shard.namespace,
    shards: 1,
  })
  const writers = [connect('writer-0'), connect('writer-1'), connect('writer-2')]
  const store = connect('archiver')
  const postgres = connectPostgres(DATABASE_URL, { name: 'chaos-archiver' })
  const queues = openQueues(store.redis, store)
  const archiver = createArchiver({ store, db: postgres.db, queues, log: quietLog })
  const closing = new AbortController()
  const ends = new EventEmitter()
  const created = new EventEmitter().setMaxListeners(0)
  const ended = new Set<Plan>()
  const released = new AbortController()
  /** Logs of the jobs that were removed from Redis early. */
  const evictedLogs = new Map<string, string[]>()
  const rolledBack = new Set<string>()

  /** Creates the job and runs it to its end. Repeats the steps that Redis lost. */
  async function runPlan(plan: Plan): Promise<void> {
    const writer = writers[plan.n % writers.length] ?? store
    for (;;) {
      const job =
        (await readJob(plan.id, null, writer))?.job ?? (await readArchivedJob(plan.id, postgres.db))
      if (!job) {
        await createJob({ ...plan, input: { n: plan.n }, createdAt: now() }, roomy, writer)
        created.emit(plan.id)
        // Leaves clients time to watch a queued job.
        await delay(plan.attempts === 0 ? 1_000 : 100)
      } else if (!isLive(job.state)) break
      else if (plan.attempts === 0) await cancel(plan, writer)
      else if (await startJob(delivery(plan, job.attempt + 1), writer))
        await runAttempt(plan, job.attempt + 1, writer).catch((error) => {
          if (!(error instanceof WriteRefused)) throw error
          if (error.why === 'rolled_back') rolledBack.add(plan.id)
        })
    }
    ended.add(plan)
    ends.emit('end')
    archiver.wake()
  }

  async function runAttempt(plan: Plan, attempt: number, writer: JobStore): Promise<void> {
    const run = new TrackedRun(attempt, {
      write: (write) => writeRun(plan, write, writer),
      onRefused() {},
      signal: closing.signal,
    })
    const last = attempt >= plan.attempts
    const steps = last ? plan.steps : Math.floor(plan.steps * 0.4)
    for (let step = 0; step < steps; step++) {
      await delay(plan.stepMs)
      run.progress({ phase: 'Playing', done: step, total: steps, unit: 'steps' })
      if (step % 10 === 9) run.note(`Step ${step} of attempt ${attempt}`)
      else
        for (let i = 0; i < rowsPerStep; i++)
          await run.add({ attempt, step, i, text: 'x'.repeat(plan.bytesPerRow) })
      await run.flush()
    }
    // Odd attempts are lost without an event.
    if (!last) return attempt % 2 === 0 ? run.endAttempt('Handed back.', 'test:1') : run.stop()
    await delay(plan.silentMs)
    if (plan.heldBack && !released.signal.aborted) await once(released.signal, 'abort')
    if (plan.ending === 'complete') await run.complete()
    else if (plan.ending === 'error') await run.fail(`Job ${plan.n} failed as planned.`, null)
    else {
      run.stop()
      await cancel(plan, writer)
    }
  }

  async function cancel({ id, n }: Plan, writer: JobStore): Promise<void> {
    const job = (await readJob(id, null, writer))?.job
    if (job && isLive(job.state))
      await endJob(
        job,
        { state: 'cancelled', message: `Job ${n} was cancelled as planned.` },
        writer,
      )
  }

  /** Removes an ended job from Redis, as its expiry would. @returns whether it did so now */
  async function evict({ id }: Plan): Promise<boolean> {
    if (evictedLogs.has(id) || (await store.redis.ttl(keys.record(shard, id))) < 0) return false
    evictedLogs.set(id, await store.redis.lrange(keys.log(shard, id), 0, '-1'))
    await store.redis.del(keys.record(shard, id), keys.log(shard, id), keys.rows(shard, id))
    return true
  }

  async function maintain(): Promise<void> {
    while (await delay(500, true, { signal: closing.signal }).catch(() => false)) {
      archiver.wake()
      for (const plan of ended) if (plan.evicted) await evict(plan)
    }
  }

  return {
    store,
    db: postgres.db,
    rolledBack,
    /** Resolves when the job is created. Call it before `run`. */
    created: async (id: string) => void (await once(created, id)),
    /** Resolves when every job has ended. */
    async run(): Promise<void> {
      void maintain()
      await Promise.all(
        plans.map(async (plan) => {
          await delay(plan.startsAfterMs)
          await runPlan(plan)
        }),
      )
    },
    /** Lets the held-back jobs end. */
    releaseHeldJobs: () => released.abort(),
    /** Resolves when this share of the jobs has ended. */
    async ended(share: number): Promise<void> {
      while (ended.size < share * plans.length) await once(ends, 'end')
    },
    /** Runs ended jobs again whose endings Redis lost when it restarted. */
    async endAgain(): Promise<void> {
      await Promise.all([...ended].filter(({ id }) => !evictedLogs.has(id)).map(runPlan))
    },
    /** Starts jobs that never end: they still run during the final checks. */
    async startEndlessJobs(count: number, userId: string): Promise<void> {
      for (let i = 0; i < count; i++) {
        const ref: JobRef = { id: `0-${uuidV7()}`, userId, search: `runs-on-${i}` }
        await createJob({ ...ref, input: {}, createdAt: now() }, roomy, store)
        await startJob(delivery(ref), store)
      }
    },
    /** All durable events of a job, also after its early removal from Redis. */
    log: async (id: string) =>
      evictedLogs.get(id) ?? store.redis.lrange(keys.log(shard, id), 0, '-1'),
    epoch: async () => String(await store.redis.hget(keys.shard(shard), 'epoch')),
    unarchived: () => store.redis.zcard(keys.ended(shard)),
    async close(): Promise<void> {
      closing.abort()
      await archiver.idle()
      await closeQueues(queues)
      for (const { redis } of [...writers, store]) redis.disconnect()
      await postgres.close()
    },
  }
}

export type Load = ReturnType<typeof openLoad>
