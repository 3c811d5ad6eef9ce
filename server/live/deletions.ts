import type { Log } from '#jobs/log.ts'
import { keys } from '#jobs/redis/keys.ts'
import { type JobStore, shardForJob } from '#jobs/redis/store.ts'
import type { ChannelListener, Subscriber } from './subscriber.ts'

/** A client that shows an ended job. */
export interface DeletionReader {
  closed(jobId: string, code: 'not_found'): void
}

export interface DeletionsDeps {
  store: JobStore
  subscriber: Pick<Subscriber, 'subscribe' | 'unsubscribe'>
  /** Whether the job is in Redis or in the archive. */
  exists(jobId: string): Promise<boolean>
  log: Log
}

/**
 * The ended jobs that clients of this server show. A topic closes with its job's end, and only an
 * ended job can be deleted, so deletions have a channel of their own. Each ended job costs one
 * subscription, however many clients show it.
 */
export class Deletions {
  readonly #deps: DeletionsDeps
  readonly #readers = new Map<string, Set<DeletionReader>>()

  constructor(deps: DeletionsDeps) {
    this.#deps = deps
  }

  watch(jobId: string, reader: DeletionReader): void {
    const readers = this.#readers.get(jobId)
    if (readers) readers.add(reader)
    else {
      this.#readers.set(jobId, new Set([reader]))
      this.#subscribe(jobId)
    }
  }

  unwatch(jobId: string, reader: DeletionReader): void {
    const readers = this.#readers.get(jobId)
    if (!readers?.delete(reader) || readers.size > 0) return
    this.#forget(jobId)
  }

  #subscribe(jobId: string): void {
    const channel = this.#channelOf(jobId)
    if (channel === null) return
    const listener: ChannelListener = {
      message: () => this.#deleted(jobId),
      recovered: () => this.#check(jobId),
    }
    // A deletion before the acknowledgement sends no message: look once the channel is heard.
    this.#deps.subscriber
      .subscribe(channel, listener)
      .then(() => this.#check(jobId))
      .catch((err) => this.#deps.log.warn({ err, job: jobId }, 'Could not watch for a deletion'))
  }

  #check(jobId: string): void {
    this.#deps.exists(jobId).then(
      (exists) => {
        if (!exists) this.#deleted(jobId)
      },
      (err) => this.#deps.log.warn({ err, job: jobId }, 'Could not check for a deletion'),
    )
  }

  #deleted(jobId: string): void {
    const readers = this.#readers.get(jobId)
    if (!readers) return
    this.#forget(jobId)
    for (const reader of readers) reader.closed(jobId, 'not_found')
  }

  #forget(jobId: string): void {
    this.#readers.delete(jobId)
    const channel = this.#channelOf(jobId)
    if (channel !== null) this.#deps.subscriber.unsubscribe(channel)
  }

  #channelOf(jobId: string): string | null {
    const shard = shardForJob(jobId, this.#deps.store)
    return shard && keys.deleted(shard, jobId)
  }
}
