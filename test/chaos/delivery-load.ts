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

/** What workers do to the jobs, by the scripts that they use, and an archiver beside them. */
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
  const archiver = createArchiver({ store, db: postgres.db, queues, now, log: quietLog })
  const over = new AbortController()
  const ends = new EventEmitter()
  const created = new EventEmitter().setMaxListeners(0)
  const ended = new Set<Plan>()
  const mayEnd = new AbortController()
  /** Logs of the jobs that Redis was made to forget. */
  const kept = new Map<string, string[]>()
  const rolledBack = new Set<string>()

  /** Creates the job and brings it to its end, beginning anew whatever the store has lost. */
  async function play(plan: Plan): Promise<void> {
    const writer = writers[plan.n % writers.length] ?? store
    for (;;) {
      const job =
        (await readJob(plan.id, null, writer))?.job ?? (await readArchivedJob(plan.id, postgres.db))
      if (!job) {
        await createJob({ ...plan, input: { n: plan.n }, createdAt: now() }, roomy, writer)
        created.emit(plan.id)
        // Watched while it waits for a worker.
        await delay(plan.attempts === 0 ? 1_000 : 100)
      } else if (!isLive(job.state)) break
      else if (plan.attempts === 0) await cancel(plan, writer)
      else if (await startJob(delivery(plan, job.attempt + 1), now(), writer))
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
      now,
      onRefused() {},
      signal: over.signal,
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
    // Every other attempt is lost without a word.
    if (!last) return attempt % 2 === 0 ? run.endAttempt('Handed back.', 'test:1') : run.stop()
    await delay(plan.silentMs)
    if (plan.heldBack && !mayEnd.signal.aborted) await once(mayEnd.signal, 'abort')
    if (plan.ending === 'complete') await run.complete()
    else if (plan.ending === 'error') await run.fail(`Job ${plan.n} was to fail.`, null)
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
        { state: 'cancelled', message: `Job ${n} was to be cancelled.`, at: now() },
        writer,
      )
  }

  /** The archive holds it, and the time that it stays readable in Redis is over. */
  async function forget({ id }: Plan): Promise<boolean> {
    if (kept.has(id) || (await store.redis.ttl(keys.record(shard, id))) < 0) return false
    kept.set(id, await store.redis.lrange(keys.log(shard, id), 0, '-1'))
    await store.redis.del(keys.record(shard, id), keys.log(shard, id), keys.rows(shard, id))
    return true
  }

  async function maintain(): Promise<void> {
    while (await delay(500, true, { signal: over.signal }).catch(() => false)) {
      archiver.wake()
      for (const plan of ended) if (plan.forgotten) await forget(plan)
    }
  }

  return {
    store,
    db: postgres.db,
    rolledBack,
    /** Resolves when the job is created; to be asked before the load runs. */
    created: async (id: string) => void (await once(created, id)),
    /** Resolves when every job has ended. */
    async run(): Promise<void> {
      void maintain()
      await Promise.all(
        plans.map(async (plan) => {
          await delay(plan.beginsAfterMs)
          await play(plan)
        }),
      )
    },
    /** Lets those end that were held back. */
    letEnd: () => mayEnd.abort(),
    /** Resolves when this share of the jobs has ended. */
    async ended(share: number): Promise<void> {
      while (ended.size < share * plans.length) await once(ends, 'end')
    },
    /**
     * An ending may be among what Redis lost with its last moments: those jobs are brought to an
     * end again.
     */
    async endAgain(): Promise<void> {
      await Promise.all([...ended].filter(({ id }) => !kept.has(id)).map(play))
    },
    /** Jobs that are running while everything else is judged. */
    async leaveRunning(count: number, userId: string): Promise<void> {
      for (let i = 0; i < count; i++) {
        const ref: JobRef = { id: `0-${uuidV7()}`, userId, search: `runs-on-${i}` }
        await createJob({ ...ref, input: {}, createdAt: now() }, roomy, store)
        await startJob(delivery(ref), now(), store)
      }
    },
    /** All durable events of a job, from where they are. */
    log: async (id: string) => kept.get(id) ?? store.redis.lrange(keys.log(shard, id), 0, '-1'),
    epoch: async () => String(await store.redis.hget(keys.shard(shard), 'epoch')),
    unarchived: () => store.redis.zcard(keys.ended(shard)),
    async close(): Promise<void> {
      over.abort()
      await archiver.idle()
      await closeQueues(queues)
      for (const { redis } of [...writers, store]) redis.disconnect()
      await postgres.close()
    },
  }
}

export type Load = ReturnType<typeof openLoad>
