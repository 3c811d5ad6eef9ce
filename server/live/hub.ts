import type { Job } from '#jobs/job.ts'
import type { Log } from '#jobs/log.ts'
import type { Position } from '#jobs/position.ts'
import { epochOf } from '#jobs/redis/epoch.ts'
import type { Shard } from '#jobs/redis/keys.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { type DeletionReader, Deletions } from './deletions.ts'
import { jobLedger, type ReadJob } from './job-ledger.ts'
import type { Epochs, Ledger, Numbered, Reading } from './ledger.ts'
import type { ListEvent, ListLedger } from './list-ledger.ts'
import type { LiveEvent } from './live-event.ts'
import type { Subscriber } from './subscriber.ts'
import { type Reader, Topic } from './topic.ts'
import { WaitingWatch } from './waiting-watch.ts'

export interface HubDeps {
  store: JobStore
  subscriber: Subscriber
  read: ReadJob
  /** How long a job of a type usually takes, in ms; null if unknown. */
  typicalMs?(search: string): Promise<number | null>
  log: Log
}

/** A reader of jobs: the outbox of a socket or an event stream. */
export type JobReader = Reader<Job, LiveEvent>
export type HubReading = Reading<Job, LiveEvent>

/** How often silent topics compare their position with the ledger's. */
const checkEveryMs = 2_000
const checksAtOnce = 500

/**
 * The topics of this server: one per watched job and one per watched list, shared by all its
 * readers. A topic is created for its first reader and removed after its last. Every
 * {@link checkEveryMs}, the hub has silent topics check whether they have missed an event.
 */
export class Hub {
  readonly #deps: HubDeps
  readonly #jobs = new Map<string, Topic<Job, LiveEvent>>()
  readonly #lists = new Map<string, Topic<Position, ListEvent>>()
  readonly #deletions: Deletions
  /** Tells the readers of waiting jobs what they wait for. */
  readonly waiting: WaitingWatch
  #timer: NodeJS.Timeout | null = null

  constructor(deps: HubDeps) {
    this.#deps = deps
    const { store, subscriber, read, log } = deps
    const exists = async (id: string) => (await read(id, null)) !== null
    this.#deletions = new Deletions({ store, subscriber, exists, log })
    const typicalMs = deps.typicalMs ?? (async () => null)
    this.waiting = new WaitingWatch({ store, subscriber, typicalMs, log })
  }

  /**
   * Delivers a job's events to a reader until the job ends or {@link unwatch} is called.
   * @param answer receives the job as read, synchronously before the first event; returns false to
   * stop watching (the reader may not see the job)
   */
  async watch(
    reader: JobReader,
    id: string,
    since: Position | null,
    answer: (reading: HubReading | null) => boolean,
  ): Promise<void> {
    const ledger = jobLedger(id, this.#deps)
    if (ledger) await this.#topicOf(this.#jobs, ledger).watch(reader, since, answer)
    else answer(null)
  }

  unwatch(reader: JobReader, id: string): void {
    this.#jobs.get(id)?.unwatch(reader)
  }

  /** Tells a reader when this ended job is deleted. */
  watchDeletion(reader: DeletionReader, id: string): void {
    this.#deletions.watch(id, reader)
  }

  unwatchDeletion(reader: DeletionReader, id: string): void {
    this.#deletions.unwatch(id, reader)
  }

  /** Delivers every change of a list from now on. A resync means: read the list again. */
  async listen(reader: Reader<Position, ListEvent>, ledger: ListLedger): Promise<void> {
    await this.#topicOf(this.#lists, ledger).watch(reader, null, () => true)
  }

  stopListening(reader: Reader<Position, ListEvent>, ledger: ListLedger): void {
    this.#lists.get(ledger.name)?.unwatch(reader)
  }

  /** The number of jobs being watched. */
  get size(): number {
    return this.#jobs.size
  }

  startChecking(): void {
    this.#timer = setTimeout(() => {
      this.#checkPositions()
        .catch((error) =>
          this.#deps.log.warn({ err: error }, 'Could not check positions; will try again'),
        )
        .finally(() => {
          if (this.#timer) this.startChecking()
        })
    }, checkEveryMs)
  }

  stopChecking(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.waiting.close()
  }

  async #checkPositions(): Promise<void> {
    const topics = [...this.#jobs.values(), ...this.#lists.values()]
    const epochs = askOncePerShard((shard) => epochOf(shard, this.#deps.store))
    for (let i = 0; i < topics.length; i += checksAtOnce) {
      await Promise.all(
        topics.slice(i, i + checksAtOnce).map((topic) => topic.checkPosition(epochs)),
      )
    }
  }

  #topicOf<State extends Position, Event extends Numbered>(
    topics: Map<string, Topic<State, Event>>,
    ledger: Ledger<State, Event>,
  ): Topic<State, Event> {
    const existing = topics.get(ledger.name)
    if (existing) return existing
    const onEmpty = () => {
      if (topics.get(ledger.name) !== topic) return
      topics.delete(ledger.name)
      this.#deps.subscriber.unsubscribe(ledger.channel)
    }
    const topic = new Topic({
      ledger,
      subscriber: this.#deps.subscriber,
      log: this.#deps.log,
      onEmpty,
    })
    topics.set(ledger.name, topic)
    return topic
  }
}

function askOncePerShard(ask: Epochs): Epochs {
  const answers = new Map<number, Promise<string>>()
  return (shard: Shard) => {
    const answer = answers.get(shard.number) ?? ask(shard)
    answers.set(shard.number, answer)
    return answer
  }
}
