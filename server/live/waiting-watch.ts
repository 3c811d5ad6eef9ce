import { CoalescedTask } from '#jobs/coalesced-task.ts'
import type { Job } from '#jobs/job.ts'
import type { Log } from '#jobs/log.ts'
import { keys, type Shard } from '#jobs/redis/keys.ts'
import { countedJobs, positionsOf, waitingJobs } from '#jobs/redis/queue-positions.ts'
import { type JobStore, shardForJob } from '#jobs/redis/store.ts'
import { readWorkers } from '#jobs/redis/worker-registry.ts'
import { type Waiting, waitingOf } from '#jobs/waiting.ts'
import type { Subscriber } from './subscriber.ts'

/** A reader of waiting jobs: the outbox of a socket or an event stream. */
export interface WaitingReader {
  /** @returns false if it can't be sent now; it is offered again later */
  waiting(jobId: string, waiting: Waiting): boolean
}

export interface WaitingWatchDeps {
  store: JobStore
  subscriber: Subscriber
  /** How long a job of the type usually takes, in ms; null if unknown. */
  typicalMs(search: string): Promise<number | null>
  log: Log
}

/** Least time between two looks at a queue, however fast it moves. */
const lookEveryMs = 500
/** A worker that dies does not say so, so the queues that are watched are looked at regularly. */
const checkEveryMs = 10_000

interface WatchedQueue {
  shard: Shard
  search: string
  channel: string
  /** By job, what each of its readers was sent last. */
  jobs: Map<string, Map<WaitingReader, string>>
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
    const readers = queue.jobs.get(job.id) ?? new Map<WaitingReader, string>()
    readers.set(reader, '')
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
    if (queue.jobs.size > 0) return
    if (queue.pause) clearTimeout(queue.pause)
    this.#queues.delete(`${queue.shard.number} ${queue.search}`)
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
    const [{ paused, ahead }, workers, typical] = await Promise.all([
      positionsOf(ids, search, shard, store),
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
      else this.#tell(queue, id, waitingOf(more ? countedJobs : place, more, facts))
    }
  }

  #tell({ jobs }: WatchedQueue, id: string, waiting: Waiting): void {
    const said = JSON.stringify(waiting)
    const readers = jobs.get(id)
    for (const [reader, last] of readers ?? [])
      if (last !== said && reader.waiting(id, waiting)) readers?.set(reader, said)
  }
}
