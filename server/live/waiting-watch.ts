import { CoalescedTask } from '#jobs/coalesced-task.ts'
import type { Job } from '#jobs/job.ts'
import type { Log } from '#jobs/log.ts'
import { keys, type Shard } from '#jobs/redis/keys.ts'
import {
  countedJobs,
  positionsOf,
  waitingElsewhere,
  waitingJobs,
} from '#jobs/redis/queue-positions.ts'
import { type JobStore, shardForJob } from '#jobs/redis/store.ts'
import { readWorkers } from '#jobs/redis/worker-registry.ts'
import { type Waiting, waitingOf } from '#jobs/waiting.ts'
import type { LiveEvent } from './live-event.ts'
import type { Subscriber } from './subscriber.ts'
import type { Reader } from './topic.ts'

/** A reader of waiting jobs: the outbox of a socket or an event stream. */
export interface WaitingReader extends Reader<Job, LiveEvent> {
  waiting(jobId: string, waiting: Waiting): void
}

export interface WaitingWatchDeps {
  store: JobStore
  subscriber: Subscriber
  /** How long a job of the type usually takes, in ms; null if unknown. */
  typicalMs(search: string): Promise<number | null>
  /** The seq of the last event of the job that was sent to the reader; null if it isn't watching. */
  lastSent(reader: WaitingReader, jobId: string): number | null
  log: Log
}

/** Least time between two looks at a queue, however fast it moves. */
const lookEveryMs = 500
/** A worker that dies does not say so, so the queues that are watched are looked at regularly. */
const checkEveryMs = 10_000

interface Told {
  /** The seq of the job when it waited. */
  seq: number
  /** What the reader was sent last. */
  last: string
}

interface WatchedQueue {
  shard: Shard
  search: string
  channel: string
  /** By job, its readers. */
  jobs: Map<string, Map<WaitingReader, Told>>
  looking: CoalescedTask
  /** Runs until the queue may be looked at again. */
  pause: NodeJS.Timeout | null
  /** It has moved during the pause. */
  movedAgain: boolean
}

/**
 * Tells the readers of waiting jobs how many are ahead of them and why nothing starts. Redis
 * announces that a queue has moved; then the places of all its watched jobs are read at once.
 */
export class WaitingWatch {
  readonly #deps: WaitingWatchDeps
  readonly #queues = new Map<string, WatchedQueue>()
  #checking: NodeJS.Timeout | null = null

  constructor(deps: WaitingWatchDeps) {
    this.#deps = deps
  }

  /** Tells the reader what the job waits for, until it starts or {@link unwatch} is called. */
  watch(reader: WaitingReader, job: Job): void {
    const shard = shardForJob(job.id, this.#deps.store)
    if (job.state !== 'new' || !shard) return
    const queue = this.#queueOf(job.search, shard)
    const readers = queue.jobs.get(job.id) ?? new Map<WaitingReader, Told>()
    readers.set(reader, { seq: job.seq, last: '' })
    queue.jobs.set(job.id, readers)
    this.#lookSoon(queue)
  }

  unwatch(reader: WaitingReader, id: string): void {
    for (const queue of this.#queues.values()) {
      const readers = queue.jobs.get(id)
      if (readers?.delete(reader) && readers.size === 0) this.#forget(queue, id)
    }
  }

  close(): void {
    for (const queue of [...this.#queues.values()])
      for (const id of [...queue.jobs.keys()]) this.#forget(queue, id)
  }

  #queueOf(search: string, shard: Shard): WatchedQueue {
    const name = `${shard.number} ${search}`
    const existing = this.#queues.get(name)
    if (existing) return existing
    const { store, log } = this.#deps
    const queue: WatchedQueue = {
      shard,
      search,
      channel: keys.moved(shard, search),
      jobs: new Map(),
      looking: new CoalescedTask(
        () => this.#look(queue),
        (err) => log.warn({ err, search }, 'Could not look at a queue; will try again'),
      ),
      pause: null,
      movedAgain: false,
    }
    this.#listen(queue.channel, () => this.#lookSoon(queue))
    if (this.#queues.size === 0) {
      const all = () => {
        for (const each of this.#queues.values()) this.#lookSoon(each)
      }
      this.#listen(keys.workers(store), all)
      this.#checking = setInterval(all, checkEveryMs)
    }
    this.#queues.set(name, queue)
    return queue
  }

  #listen(channel: string, changed: () => void): void {
    this.#deps.subscriber
      .subscribe(channel, { message: changed, recovered: changed })
      // It may have changed before Redis took the subscription.
      .then(changed)
      .catch((err) => this.#deps.log.warn({ err, channel }, 'Could not subscribe; will check'))
  }

  #forget(queue: WatchedQueue, id: string): void {
    queue.jobs.delete(id)
    const name = `${queue.shard.number} ${queue.search}`
    // A look may end after its queue was forgotten and another one took its place.
    if (queue.jobs.size > 0 || this.#queues.get(name) !== queue) return
    if (queue.pause) clearTimeout(queue.pause)
    this.#queues.delete(name)
    this.#deps.subscriber.unsubscribe(queue.channel)
    if (this.#queues.size > 0) return
    if (this.#checking) clearInterval(this.#checking)
    this.#checking = null
    this.#deps.subscriber.unsubscribe(keys.workers(this.#deps.store))
  }

  /** At once, or after the pause if the queue was looked at a moment ago. */
  #lookSoon(queue: WatchedQueue): void {
    if (queue.pause) {
      queue.movedAgain = true
      return
    }
    queue.movedAgain = false
    queue.looking.request()
    queue.pause = setTimeout(() => {
      queue.pause = null
      if (queue.movedAgain) this.#lookSoon(queue)
    }, lookEveryMs)
  }

  async #look(queue: WatchedQueue): Promise<void> {
    const { store, typicalMs } = this.#deps
    const { search, shard, jobs } = queue
    const ids = [...jobs.keys()]
    if (ids.length === 0) return
    const [{ paused, ahead }, elsewhere, workers, typical] = await Promise.all([
      positionsOf(ids, search, shard, store),
      waitingElsewhere(search, shard, store),
      readWorkers(store),
      typicalMs(search),
    ])
    const slots = workers
      .flatMap(({ searches }) => searches)
      .reduce((sum, type) => sum + (type.name === search ? type.slots : 0), 0)
    const uncounted = ids.filter((_, i) => ahead[i] === -1)
    const stillWaiting = new Set(await waitingJobs(uncounted, shard, store))
    const facts = { paused, slots, typicalMs: typical }
    for (const [i, id] of ids.entries()) {
      const place = ahead[i] ?? -1
      const more = place === -1
      if (more && !stillWaiting.has(id)) this.#forget(queue, id)
      else
        this.#tell(queue, id, waitingOf(more ? countedJobs : inAll(place, elsewhere), more, facts))
    }
  }

  #tell({ jobs }: WatchedQueue, id: string, waiting: Waiting): void {
    const said = JSON.stringify(waiting)
    const readers = jobs.get(id)
    for (const [reader, told] of readers ?? []) {
      // The job may have started since its place was read, and the reader knows that already.
      if (told.last === said || this.#deps.lastSent(reader, id) !== told.seq) continue
      told.last = said
      reader.waiting(id, waiting)
    }
  }
}

/** Free slots go to the shards in turn: so many of each other shard start before the job. */
function inAll(ahead: number, elsewhere: readonly number[]): number {
  return elsewhere.reduce((sum, waiting) => sum + Math.min(waiting, ahead), ahead)
}
