import { setTimeout as delay } from 'node:timers/promises'
import {
  type BackendFactory,
  ConnectionClosedError,
  createRedisBackend,
  RedisQueueBackend,
  raw2NextJobData,
} from 'bullmq'
import { z } from 'zod'
import type { RunWrite } from '../run-write.ts'
import { parseStarted, type StartedJob, startEvent, Written, writeArgs } from './attempt.ts'
import { bullmqTexts } from './bullmq-scripts.ts'
import { HeldSlots } from './held-slots.ts'
import { keys, type Shard } from './keys.ts'
import { isRefusedForNow } from './refused-for-now.ts'
import { changeScripts, plainScript, runScript } from './scripts.ts'
import type { JobStore } from './store.ts'
import type { TypeSlots } from './type-slots.ts'

/** The number of keys of BullMQ's moveToDelayed. */
const delayKeyCount = bullmqTexts.moveToDelayed.keys
const extendScript = plainScript('extend-locks')

/** `[entry, id, rate limit, time of the next delayed entry]`, or a code of BullMQ's. */
const NextEntry = z.union([z.number(), z.array(z.unknown())])
const Fetched = z.tuple([NextEntry, z.unknown(), z.number()])
const Finished = z.tuple([z.union([Written, z.literal('')]), NextEntry, z.unknown(), z.number()])
const Ids = z.array(z.string())

/** Between two tries of a command that Redis refuses for now. */
const retryMs = 500

export interface TrackedBackendOptions {
  store: JobStore
  shard: Shard
  /** Name of the process, for users. */
  worker: string
  lockMs: number
  /** Those of its type, shared with the workers of the other shards. */
  slots: TypeSlots
}

type Super = typeof RedisQueueBackend.prototype

/**
 * BullMQ's Redis backend, except that a job starts in the step that fetches it, and ends in the
 * step that removes it from the queue and fetches the next one. So a record and its entry in the
 * queue always agree, and a job costs its worker one call.
 */
export class TrackedBackend extends RedisQueueBackend {
  readonly #options: TrackedBackendOptions
  /** By id, the jobs that were fetched and started and that the worker has not run yet. */
  readonly #started = new Map<string, StartedJob>()
  /**
   * By lock token, the last writes of runs that are over. Not by id: a run whose lock was lost may
   * still end while this process runs the next attempt of the same job.
   */
  readonly #lastWrites = new Map<string, RunWrite>()
  /** Added to a time of Redis, it gives the time of this process. */
  #clockOffsetMs = 0
  readonly #slots: HeldSlots
  /** The marker that says that jobs wait was taken, and nothing has been fetched since. */
  #tookMarker = false
  #waiting = new AbortController()

  constructor(
    options: TrackedBackendOptions,
    ...args: ConstructorParameters<typeof RedisQueueBackend>
  ) {
    super(...args)
    this.#options = options
    this.#slots = new HeldSlots(options.slots)
  }

  /** The job of a fetched entry; null if it was not started by the fetch. */
  takeStarted(id: string): StartedJob | null {
    const started = this.#started.get(id) ?? null
    this.#started.delete(id)
    return started
  }

  /** Applies the last write of a run in the step that removes its entry from the queue. */
  endWith(token: string, write: RunWrite): void {
    this.#lastWrites.set(token, write)
  }

  override async moveToActive(token: string): ReturnType<Super['moveToActive']> {
    const { store, worker, lockMs } = this.#options
    if (!this.#slots.takeForFetch()) {
      await this.#putMarkerBack()
      return []
    }
    this.#tookMarker = false
    let next: unknown[] = []
    try {
      const answer = await runScript(
        store.redis,
        changeScripts.fetch,
        [this.toKey('')],
        [lockMs, token, worker, ...startEvent(worker)],
      )
      next = this.#next(...Fetched.parse(answer))
    } catch (error) {
      if (!isRefusedForNow(error)) throw error
      await delay(retryMs)
    } finally {
      this.#slots.passOn(idOf(next))
    }
    return next
  }

  /** Lets a worker of another process, which may have a free slot, know of the waiting jobs. */
  async #putMarkerBack(): Promise<void> {
    if (!this.#tookMarker) return
    this.#tookMarker = false
    await this.#options.store.redis.zadd(this.toKey('marker'), 0, '0')
  }

  override async moveToCompleted(...args: Parameters<Super['moveToCompleted']>) {
    const [{ id = '' }, , , token, fetchNext] = args
    const held = this.#slots.takeFrom(id)
    let next: unknown[] = []
    try {
      next = await this.#untilTaken(id, token, () =>
        // The slot goes to another shard whose worker waits for it.
        this.#finish(id, token, fetchNext && held && !this.#slots.wanted),
      )
      return { result: next, finishedOn: Date.now() }
    } finally {
      if (held) this.#slots.passOn(idOf(next))
    }
  }

  /** Leaves the entry, which stalled too often, to the reconciler. Fetches no other. */
  override async moveToFailed(...args: Parameters<Super['moveToFailed']>) {
    const [job, reason, removeOnFail, token, , fields] = args
    const { id = '' } = job
    try {
      return await this.#untilTaken(id, token, () =>
        super.moveToFailed(job, reason, removeOnFail, token, false, fields),
      )
    } finally {
      this.#slots.releaseOf(id)
    }
  }

  /** Repeats a command on a job whose run is over for as long as Redis refuses it for now. */
  async #untilTaken<Answer>(id: string, token: string, command: () => Promise<Answer>) {
    for (;;) {
      try {
        return await command()
      } catch (error) {
        if (!isRefusedForNow(error)) throw error
        await delay(retryMs)
        // BullMQ has stopped extending the lock, because the run is over.
        await this.extendLocks([id], [token], this.#options.lockMs)
      }
    }
  }

  async #finish(id: string, token: string, fetchNext: boolean): Promise<unknown[]> {
    const { store, shard, worker, lockMs } = this.#options
    const write = this.#lastWrites.get(token)
    const answer = await runScript(
      store.redis,
      changeScripts.finish,
      [keys.record(shard, id)],
      [
        this.toKey(''),
        fetchNext ? '1' : '',
        lockMs,
        token,
        worker,
        ...startEvent(worker),
        ...(write ? writeArgs(write) : []),
      ],
    )
    const [wrote, entry, started, now] = Finished.parse(answer)
    this.#lastWrites.delete(token)
    // The store has lost writes of this run, so the job starts over.
    if (wrote === 'rolled_back') await this.moveJobFromActiveToWait(id, token)
    if (typeof entry === 'number' && entry < 0) {
      const command = 'moveToFinished'
      throw this.finishedErrors({ code: entry, jobId: id, command, state: 'active' })
    }
    return this.#next(entry, started, now)
  }

  /** @param now the time of Redis, in ms */
  #next(entry: z.infer<typeof NextEntry>, started: unknown, now: number): unknown[] {
    this.#clockOffsetMs = Date.now() - now
    if (typeof entry === 'number') return []
    const [job, id, rateLimitMs, delayedUntil] = raw2NextJobData(entry)
    if (!job) return [null, id, rateLimitMs, this.#toOwnTime(delayedUntil)]
    // BullMQ fails a job that has stalled too often without running it, so it was not started.
    const startedJob = started === '' ? null : parseStarted(started)
    if (startedJob) this.#started.set(id, startedJob)
    // BullMQ compares it with the clock of this process to extend the lock in time.
    return [{ ...job, processedOn: Date.now() }, id, rateLimitMs, delayedUntil]
  }

  #toOwnTime(ms: number): number {
    return ms > 0 ? ms + this.#clockOffsetMs : ms
  }

  /** Waits for a slot if none is free; else for a job. */
  override async waitForJob(timeoutSeconds: number) {
    const { signal } = this.#waiting
    if ((await this.#slots.wait(timeoutSeconds * 1_000, signal)) === 'waited') {
      // As if the blocking command was interrupted: BullMQ fetches nothing more.
      if (signal.aborted) throw new ConnectionClosedError()
      return null
    }
    const marker = await super.waitForJob(timeoutSeconds)
    this.#tookMarker = marker !== null
    return marker && { ...marker, score: this.#toOwnTime(marker.score) }
  }

  override disconnectBlocking(wait?: boolean): Promise<void> {
    this.#waiting.abort()
    return super.disconnectBlocking(wait)
  }

  override reconnectBlocking(): Promise<void> {
    if (this.#waiting.signal.aborted) this.#waiting = new AbortController()
    return super.reconnectBlocking()
  }

  /** Delays a job by the clock of Redis. Fetches no other, which would not be started. */
  override async moveToDelayed(...args: Parameters<RedisQueueBackend['moveToDelayed']>) {
    const [id, timestamp, delayMs, token, options] = args
    const fetchNone = { ...options, fetchNext: false }
    try {
      return await super.moveToDelayed(id, timestamp, delayMs, token, fetchNone)
    } finally {
      this.#slots.releaseOf(id)
    }
  }

  override async moveJobFromActiveToWait(id: string, token?: string) {
    try {
      return await super.moveJobFromActiveToWait(id, token)
    } finally {
      this.#slots.releaseOf(id)
    }
  }

  override execCommand(...args: Parameters<RedisQueueBackend['execCommand']>) {
    const [, name, values] = args
    if (name !== 'moveToDelayed') return super.execCommand(...args)
    return runScript(
      this.#options.store.redis,
      changeScripts.delay,
      values.slice(0, delayKeyCount),
      values.slice(delayKeyCount).map((value) => value ?? ''),
    )
  }

  override async extendLocks(ids: string[], tokens: string[], durationMs: number) {
    const args = ids.flatMap((id, i) => [id, tokens[i] ?? ''])
    return Ids.parse(
      await runScript(
        this.#options.store.redis,
        extendScript,
        [this.toKey('')],
        [durationMs, ...args],
      ),
    )
  }
}

/** The id of the job in an answer of BullMQ's; null if it holds none. */
function idOf([entry, id]: unknown[]): string | null {
  return entry && typeof id === 'string' ? id : null
}

/** Makes BullMQ's workers use a {@link TrackedBackend}; `created` receives it. */
export function trackedBackend(
  options: TrackedBackendOptions,
  created: (backend: TrackedBackend) => void,
): BackendFactory<TrackedBackend> {
  return (name, queueOptions, connections) => {
    // Only for its connections. Their errors reach our backend too.
    const made = createRedisBackend(name, queueOptions, connections).on('error', () => {})
    const backend = new TrackedBackend(
      options,
      made.connection,
      name,
      made.keys,
      (type) => made.toKey(type),
      queueOptions,
      made.blockingConnection,
    )
    created(backend)
    return backend
  }
}
