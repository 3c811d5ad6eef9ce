import type { JobSummary } from '#jobs/job.ts'
import { parseListChange } from '#jobs/redis/announcements.ts'
import type { Log } from '#jobs/redis/connect.ts'
import { type JobCounts, newestFirst } from '#jobs/redis/job-lists.ts'
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

interface Changes {
  changed: Map<string, JobSummary>
  removed: Set<string>
}
const noChanges = (): Changes => ({ changed: new Map(), removed: new Set() })

function add({ changed, removed }: Changes, more: readonly JobSummary[], gone: readonly string[]): void {
  for (const job of more) {
    changed.set(job.id, job)
    removed.delete(job.id)
  }
  for (const id of gone) {
    changed.delete(id)
    removed.add(id)
  }
}

/** Seqs of different epochs can't be compared: what came last counts. */
function isOlder(job: JobSummary, than: JobSummary | undefined): boolean {
  return than !== undefined && job.epoch === than.epoch && job.seq < than.seq
}

/**
 * A live list. Of each job the last state wins, so a gap in the versions is healed by reading the list again; the check of versions
 * finds what no gap reveals.
 */
export class ListTopic {
  readonly #deps: ListTopicDeps
  /** With what changed since it began to open; null once it has been answered. */
  readonly #readers = new Map<ListReader, Changes | null>()
  readonly #versions = new Map<string, number>()
  /** Each job that readers were told of, as it was told last. */
  readonly #shown = new Map<string, JobSummary>()
  #untold = noChanges()
  /** What was removed since the reading under way began. */
  #removedMeanwhile = new Set<string>()
  #opened: Promise<void> | null = null
  #gathering: NodeJS.Timeout | null = null
  #checking: NodeJS.Timeout | null = null
  #reloading = false

  constructor(deps: ListTopicDeps) {
    this.#deps = deps
  }

  /** Subscribes first, then reads: answers the jobs as they are now; every later change reaches the reader. */
  async open(reader: ListReader): Promise<{ jobs: JobSummary[]; counts: JobCounts | undefined }> {
    const meanwhile = noChanges()
    this.#readers.set(reader, meanwhile)
    try {
      this.#opened ??= this.#subscribe()
      await this.#opened
      const [jobs, counts] = await Promise.all([this.#deps.source.read(), this.#deps.source.counts?.()])
      const now = new Map(jobs.filter(({ id }) => !meanwhile.removed.has(id)).map((job) => [job.id, job]))
      for (const job of meanwhile.changed.values()) if (!isOlder(job, now.get(job.id))) now.set(job.id, job)
      this.#remember([...now.values()])
      if (this.#readers.has(reader)) this.#readers.set(reader, null)
      return { jobs: [...now.values()].sort(newestFirst).filter((job) => reader.wants(job)), counts }
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
    // A reading may be older than what was heard while it was under way.
    const newer = changed.filter((job) => !isOlder(job, this.#shown.get(job.id)))
    this.#remember(newer)
    for (const id of removed) {
      this.#shown.delete(id)
      this.#removedMeanwhile.add(id)
    }
    add(this.#untold, newer, removed)
    for (const meanwhile of this.#readers.values()) if (meanwhile) add(meanwhile, newer, removed)
    this.#tellSoon()
  }

  #tellSoon(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = null
      this.#tell().catch((error) => {
        this.#deps.log.warn({ err: error }, 'Could not count the jobs; will try again')
        if (this.#readers.size > 0) this.#tellSoon()
      })
    }, gatherMs)
  }

  async #tell(): Promise<void> {
    const counts = await this.#deps.source.counts?.()
    const { changed, removed } = this.#untold
    this.#untold = noChanges()
    const all = [...changed.values()]
    for (const [reader, meanwhile] of this.#readers) {
      if (meanwhile) continue
      const unwanted = all.filter((job) => !reader.wants(job)).map((job) => job.id)
      reader.changes(
        all.filter((job) => reader.wants(job)),
        [...removed, ...unwanted],
        counts,
      )
    }
  }

  #reload(): void {
    if (this.#reloading) return
    this.#reloading = true
    this.#reloadOnce()
      .catch((error) => {
        this.#deps.log.warn({ err: error }, 'Could not read a list again; will try again')
        // The next check, or the next change, finds that the list is not as new as it could be.
        for (const channel of this.#deps.source.channels) this.#versions.set(channel, -1)
      })
      .finally(() => {
        this.#reloading = false
      })
  }

  async #reloadOnce(): Promise<void> {
    const { source } = this.#deps
    // The versions first: the list is then at least as new as they say.
    for (const channel of source.channels) this.#versions.set(channel, await source.version(channel))
    this.#removedMeanwhile.clear()
    const jobs = (await source.read()).filter(({ id }) => !this.#removedMeanwhile.has(id))
    const oldest = jobs.at(-1)
    const now = new Set(jobs.map((job) => job.id))
    // A job newer than the oldest one listed that is not listed was deleted meanwhile.
    const gone = [...this.#shown].flatMap(([id, { createdAt }]) =>
      !now.has(id) && (!oldest || createdAt > oldest.createdAt) ? [id] : [],
    )
    this.#gather(jobs, gone)
  }

  #remember(jobs: readonly JobSummary[]): void {
    for (const job of jobs) if (!isOlder(job, this.#shown.get(job.id))) this.#shown.set(job.id, job)
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
