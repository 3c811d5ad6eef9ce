import type { Job } from '#jobs/job.ts'
import type { Log } from '#jobs/redis/connect.ts'
import { keys } from '#jobs/redis/keys.ts'
import { type JobReading, type Position, positionsOf } from '#jobs/redis/read-job.ts'
import { type JobStore, shardForJob } from '#jobs/redis/store.ts'
import { JobTopic } from './job-topic.ts'
import type { JobReader } from './live-event.ts'
import type { Subscriber } from './subscriber.ts'

export interface HubDeps {
  store: JobStore
  subscriber: Subscriber
  /** From Redis, else from the archive; null when it is in neither. */
  read(id: string, since: Position | null): Promise<JobReading | null>
  log: Log
}

/** How often silent topics compare their position with the ledger's: the last event of a job is the one that no gap reveals. */
const checkEveryMs = 2_000

/** All jobs that are watched on this server, each once however many watch it. */
export class Hub {
  readonly #deps: HubDeps
  readonly #topics = new Map<string, JobTopic>()
  #timer: NodeJS.Timeout | null = null

  constructor(deps: HubDeps) {
    this.#deps = deps
  }

  /**
   * Brings a reader up to date and keeps it so until the job ends.
   * @param answer is told the reading at once before the first event; says whether the reader stays (it may not see the job)
   */
  async watch(
    reader: JobReader,
    id: string,
    since: Position | null,
    answer: (reading: JobReading | null) => boolean,
  ): Promise<void> {
    const shard = shardForJob(id, this.#deps.store)
    if (!shard) {
      answer(null)
      return
    }
    let topic = this.#topics.get(id)
    if (!topic) {
      topic = new JobTopic(id, keys.log(shard, id), { ...this.#deps, onEmpty: (empty) => this.#drop(empty) })
      this.#topics.set(id, topic)
    }
    await topic.watch(reader, since, answer)
  }

  unwatch(reader: JobReader, id: string): void {
    this.#topics.get(id)?.unwatch(reader)
  }

  async snapshot(id: string): Promise<Job | null> {
    return (await this.#deps.read(id, null))?.job ?? null
  }

  get size(): number {
    return this.#topics.size
  }

  startChecking(): void {
    this.#timer = setTimeout(() => {
      this.#checkPositions()
        .catch((error) => this.#deps.log.warn({ err: error }, 'Could not check positions; will try again'))
        .finally(() => {
          if (this.#timer) this.startChecking()
        })
    }, checkEveryMs)
  }

  stopChecking(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  async #checkPositions(): Promise<void> {
    const silent = [...this.#topics.values()].filter((topic) => !topic.rang && topic.position)
    for (const topic of this.#topics.values()) topic.rang = false
    const positions = await positionsOf(
      silent.map((topic) => topic.id),
      this.#deps.store,
    )
    for (const topic of silent) {
      const { position } = topic
      const now = positions.get(topic.id)
      if (!position || topic.rang) continue
      if (!now || now.epoch !== position.epoch || now.seq !== position.seq) topic.healSilently()
    }
  }

  #drop(topic: JobTopic): void {
    if (this.#topics.get(topic.id) !== topic) return
    this.#topics.delete(topic.id)
    this.#deps.subscriber.unsubscribe(topic.channel)
  }
}
