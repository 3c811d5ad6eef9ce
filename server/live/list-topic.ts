import type { JobSummary } from '#jobs/job.ts'
import { parseListChange } from '#jobs/redis/announcements.ts'
import type { Log } from '#jobs/redis/connect.ts'
import type { JobCounts } from '#jobs/redis/job-lists.ts'
import type { Subscriber } from './subscriber.ts'

/** A list that changes: a user's jobs, or everybody's. */
export interface ListSource {
  /** The channels that tell of changes; each counts its own. */
  channels: string[]
  /** How often the list behind a channel has changed. */
  version(channel: string): Promise<number>
  /** The newest jobs, from Redis and the archive. */
  read(): Promise<JobSummary[]>
  /** Sent along with the changes where the list has them. */
  counts?(): Promise<JobCounts>
}

export interface ListReader {
  /** Which jobs this reader wants to see. */
  wants(job: JobSummary): boolean
  changes(changed: JobSummary[], removed: string[], counts: JobCounts | undefined): void
}

export interface ListTopicDeps {
  source: ListSource
  subscriber: Subscriber
  log: Log
  onEmpty(topic: ListTopic): void
}

/** Changes gather this long, so that what readers are sent does not grow with the rate of jobs. */
const gatherMs = 250
const checkEveryMs = 5_000
/** So many jobs are remembered as shown: more than any list begins with. */
const mostShown = 1_000

/**
 * A live list. Of each job the last state wins, so a gap in the versions is healed by reading the list again; the check of versions
 * finds what no gap reveals.
 */
export class ListTopic {
  readonly #deps: ListTopicDeps
  readonly #readers = new Set<ListReader>()
  readonly #versions = new Map<string, number>()
  /** When each job that readers were told of was created, by id. */
  readonly #shown = new Map<string, string>()
  #changed = new Map<string, JobSummary>()
  #removed = new Set<string>()
  #opened: Promise<void> | null = null
  #gathering: NodeJS.Timeout | null = null
  #checking: NodeJS.Timeout | null = null
  #reloading = false

  constructor(deps: ListTopicDeps) {
    this.#deps = deps
  }

  /** Subscribes first, then reads: answers the jobs as they are now; every later change reaches the reader. */
  async open(reader: ListReader): Promise<{ jobs: JobSummary[]; counts: JobCounts | undefined }> {
    this.#readers.add(reader)
    try {
      this.#opened ??= this.#subscribe()
      await this.#opened
      const [jobs, counts] = await Promise.all([this.#deps.source.read(), this.#deps.source.counts?.()])
      this.#remember(jobs)
      return { jobs: jobs.filter((job) => reader.wants(job)), counts }
    } catch (error) {
      this.close(reader)
      throw error
    }
  }

  close(reader: ListReader): void {
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    if (this.#gathering) clearTimeout(this.#gathering)
    if (this.#checking) clearInterval(this.#checking)
    for (const channel of this.#deps.source.channels) this.#deps.subscriber.unsubscribe(channel)
    this.#deps.onEmpty(this)
  }

  async #subscribe(): Promise<void> {
    const { source, subscriber } = this.#deps
    for (const channel of source.channels) {
      await subscriber.subscribe(channel, { message: (text) => this.#heard(channel, text), recovered: () => this.#reload() })
      this.#versions.set(channel, await source.version(channel))
    }
    this.#checking = setInterval(() => this.#check(), checkEveryMs)
  }

  #heard(channel: string, text: string): void {
    const change = parseListChange(text)
    const known = this.#versions.get(channel)
    if (known === undefined || change.version <= known) return
    if (change.version > known + 1) {
      this.#reload()
      return
    }
    this.#versions.set(channel, change.version)
    if ('changed' in change) this.#gather([change.changed], [])
    else this.#gather([], [change.removed])
  }

  #gather(changed: JobSummary[], removed: string[]): void {
    for (const job of changed) this.#changed.set(job.id, job)
    this.#remember(changed)
    for (const id of removed) {
      this.#changed.delete(id)
      this.#removed.add(id)
      this.#shown.delete(id)
    }
    this.#gathering ??= setTimeout(() => {
      this.#gathering = null
      this.#tell().catch((error) => this.#deps.log.warn({ err: error }, 'Could not count the jobs; the next change will'))
    }, gatherMs)
  }

  async #tell(): Promise<void> {
    const counts = await this.#deps.source.counts?.()
    const changed = [...this.#changed.values()]
    const removed = [...this.#removed]
    this.#changed = new Map()
    this.#removed = new Set()
    for (const reader of this.#readers) {
      const wanted = changed.filter((job) => reader.wants(job))
      const unwanted = wanted.length === changed.length ? [] : changed.filter((job) => !reader.wants(job)).map((job) => job.id)
      reader.changes(wanted, [...removed, ...unwanted], counts)
    }
  }

  #reload(): void {
    if (this.#reloading) return
    this.#reloading = true
    this.#reloadOnce()
      .catch((error) => this.#deps.log.warn({ err: error }, 'Could not read a list again; will try again'))
      .finally(() => {
        this.#reloading = false
      })
  }

  async #reloadOnce(): Promise<void> {
    const { source } = this.#deps
    // The versions first: the list is then at least as new as they say.
    for (const channel of source.channels) this.#versions.set(channel, await source.version(channel))
    const jobs = await source.read()
    const oldest = jobs.at(-1)
    const now = new Set(jobs.map((job) => job.id))
    // A job newer than the oldest one listed that is not listed was deleted meanwhile.
    const gone = [...this.#shown].flatMap(([id, createdAt]) =>
      !now.has(id) && (!oldest || createdAt > oldest.createdAt) ? [id] : [],
    )
    this.#gather(jobs, gone)
  }

  #remember(jobs: readonly JobSummary[]): void {
    for (const { id, createdAt } of jobs) this.#shown.set(id, createdAt)
    for (const id of this.#shown.keys()) {
      if (this.#shown.size <= mostShown) break
      this.#shown.delete(id)
    }
  }

  #check(): void {
    const { source, log } = this.#deps
    const check = async () => {
      for (const channel of source.channels) {
        if ((await source.version(channel)) !== this.#versions.get(channel)) this.#reload()
      }
    }
    check().catch((error) => log.warn({ err: error }, 'Could not check a list; will try again'))
  }
}
