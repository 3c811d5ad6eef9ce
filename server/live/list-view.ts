import { CoalescedTask } from '#jobs/coalesced-task.ts'
import type { JobSummary } from '#jobs/job.ts'
import type { JobCounts } from '#jobs/job-counts.ts'
import type { Log } from '#jobs/log.ts'
import { newestFirst } from '#jobs/newest-first.ts'
import type { Position } from '#jobs/position.ts'
import type { Hub } from './hub.ts'
import { ListFrame } from './list-frame.ts'
import type { ListEvent, ListLedger } from './list-ledger.ts'
import type { Reader } from './topic.ts'

/** Which jobs a list shows. */
export interface ListRules {
  /** The sources of its changes: one ledger, or one per shard. */
  ledgers: ListLedger[]
  fits(job: JobSummary): boolean
  /** The newest jobs that fit, from Redis and the archive. `more`: older ones exist. */
  read(): Promise<{ jobs: JobSummary[]; more: boolean }>
  /** For lists that show counts. */
  counts?(): Promise<JobCounts>
  /** How many jobs are in view. Changes of older jobs are not sent. */
  maxJobs: number
  /**
   * Jobs can leave the view without new ones arriving. When fewer than this are in view and older
   * ones exist, the list is read again.
   */
  refillBelow: number
}

interface ListReading extends ListAnswer {
  /** Older jobs exist. */
  more: boolean
  /** Ids of jobs that changed during the read, so their state in `jobs` may be outdated. */
  overtaken: Set<string>
}

/** A reader of a list. */
export interface ListReader {
  frame(frame: ListFrame): void
}

export interface ListAnswer {
  jobs: JobSummary[]
  counts: JobCounts | undefined
}

export interface ListViewDeps {
  hub: Hub
  /** In ms, by a monotonic clock. */
  now(): number
  log: Log
  /** Called after the last reader has closed the list. */
  onEmpty(): void
}

/** Least time between two frames, at any rate of changes. */
const frameEveryMs = 250
/** How long a frame waits for further changes: a job mostly starts this soon after its creation. */
const gatherMs = 20
const refillEveryMs = 5_000
const retryMs = 1_000

/**
 * A live list of jobs: a user's own, or all users' under one filter. The first reader makes it
 * listen to its ledgers. Each reader is answered with the list as read, then receives a frame for
 * the changes since, at most one per {@link frameEveryMs}. A frame holds only the latest state of
 * each job and is made once for all readers, so another reader costs one more write. When changes
 * were missed, or too few jobs are left in view, the list is read again and the differences are
 * sent. After the last reader it stops listening.
 */
export class ListView {
  readonly #rules: ListRules
  readonly #deps: ListViewDeps
  /** Per reader, the frames to send once it has been answered; null after that. */
  readonly #readers = new Map<ListReader, ListFrame[] | null>()
  readonly #listener: Reader<Position, ListEvent>
  #listening: Promise<unknown> | null = null
  /** The latest change of each job, by id, that is not in a frame yet. */
  #changes = new Map<string, Pick<ListEvent, 'job'>>()
  /** `createdAt` of each job in view, by id. */
  #inView = new Map<string, string>()
  #olderExist = false
  /** The counts sent last, as JSON. */
  #counts = ''
  #frameTimer: NodeJS.Timeout | null = null
  #refillTimer: NodeJS.Timeout | null = null
  #lastFrameAt = 0
  #lastReadAt = 0
  /** For each read under way, the ids of jobs that have changed since it began. */
  readonly #readings = new Set<Set<string>>()
  readonly #refreshing: CoalescedTask

  constructor(rules: ListRules, deps: ListViewDeps) {
    this.#rules = rules
    this.#deps = deps
    this.#listener = {
      event: ({ id, job }) => {
        this.#changes.set(id, { job })
        for (const overtaken of this.#readings) overtaken.add(id)
        this.#scheduleFrame()
      },
      resync: () => this.#refreshing.request(),
      closed: () => {},
    }
    this.#refreshing = new CoalescedTask(
      () => this.#refresh(),
      (err) => {
        deps.log.warn({ err }, 'Could not read a list again; will try again')
        setTimeout(() => this.#refreshing.request(), retryMs)
      },
    )
  }

  /**
   * Listens, then reads the list and answers, and only then sends frames.
   * @param answer receives the list, synchronously before the first frame
   */
  async open(reader: ListReader, answer: (list: ListAnswer) => void): Promise<void> {
    this.#readers.set(reader, [])
    try {
      const { ledgers } = this.#rules
      this.#listening ??= Promise.all(
        ledgers.map((ledger) => this.#deps.hub.listen(this.#listener, ledger)),
      )
      await this.#listening
      const reading = await this.#read()
      this.#addToView(reading)
      answer(reading)
      const waiting = this.#readers.get(reader)
      if (!waiting) return
      this.#readers.set(reader, null)
      for (const frame of waiting) reader.frame(frame)
    } catch (error) {
      this.close(reader)
      throw error
    }
  }

  close(reader: ListReader): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0) return
    if (this.#frameTimer) clearTimeout(this.#frameTimer)
    if (this.#refillTimer) clearTimeout(this.#refillTimer)
    for (const ledger of this.#rules.ledgers) this.#deps.hub.stopListening(this.#listener, ledger)
    this.#deps.onEmpty()
  }

  #scheduleFrame(): void {
    this.#frameTimer ??= setTimeout(
      () =>
        this.#sendFrame().catch((error) =>
          this.#deps.log.warn({ err: error }, 'Could not count the jobs; will try again'),
        ),
      Math.max(gatherMs, this.#lastFrameAt + frameEveryMs - this.#deps.now()),
    )
  }

  async #sendFrame(): Promise<void> {
    this.#lastFrameAt = this.#deps.now()
    try {
      const counts = await this.#rules.counts?.()
      const frame = this.#nextFrame(counts)
      if (!frame) return
      this.#lastFrameAt = this.#deps.now()
      for (const [reader, waiting] of this.#readers) {
        if (waiting) waiting.push(frame)
        else reader.frame(frame)
      }
      this.#scheduleRefill()
    } finally {
      this.#frameTimer = null
      // Changes that arrived meanwhile, or that were not sent because counting failed.
      if (this.#changes.size > 0 && this.#readers.size > 0) this.#scheduleFrame()
    }
  }

  /** Applies the collected changes to the view. Null if neither the view nor the counts changed. */
  #nextFrame(counts: JobCounts | undefined): ListFrame | null {
    const changed: JobSummary[] = []
    const removed: string[] = []
    for (const [id, change] of this.#changes) {
      const job = change.job()
      if (job && this.#rules.fits(job)) {
        this.#inView.set(id, job.createdAt)
        changed.push(job)
      } else if (this.#inView.delete(id) || !job || this.#readings.size > 0) removed.push(id)
    }
    this.#changes.clear()
    this.#dropOldest()
    const inView = changed.filter(({ id }) => this.#inView.has(id))
    const encodedCounts = JSON.stringify(counts) ?? ''
    if (inView.length === 0 && removed.length === 0 && encodedCounts === this.#counts) return null
    this.#counts = encodedCounts
    return new ListFrame(inView, removed, counts)
  }

  #dropOldest(): void {
    const { maxJobs } = this.#rules
    if (this.#inView.size <= maxJobs) return
    const jobs = [...this.#inView].map(([id, createdAt]) => ({ id, createdAt })).sort(newestFirst)
    this.#inView = new Map(jobs.slice(0, maxJobs).map(({ id, createdAt }) => [id, createdAt]))
    this.#olderExist = true
  }

  #scheduleRefill(): void {
    if (!this.#olderExist || this.#inView.size >= this.#rules.refillBelow) return
    this.#refillTimer ??= setTimeout(
      () => {
        this.#refillTimer = null
        this.#refreshing.request()
      },
      Math.max(0, this.#lastReadAt + refillEveryMs - this.#deps.now()),
    )
  }

  /** Reads the list again and turns the differences into changes. */
  async #refresh(): Promise<void> {
    if (this.#readers.size === 0) return
    const reading = await this.#read()
    const { jobs, more, overtaken } = reading
    for (const job of jobs)
      if (!overtaken.has(job.id)) this.#changes.set(job.id, { job: () => job })
    const oldest = jobs.at(-1)?.createdAt ?? ''
    const listed = new Set(jobs.map(({ id }) => id))
    for (const [id, createdAt] of this.#inView) {
      // In view, but not among the jobs read although new enough: deleted, or no longer fitting.
      const missing = !listed.has(id) && (!more || createdAt > oldest)
      if (missing && !overtaken.has(id)) this.#changes.set(id, { job: () => null })
    }
    this.#addToView(reading)
    this.#scheduleFrame()
  }

  async #read(): Promise<ListReading> {
    const overtaken = new Set<string>()
    this.#readings.add(overtaken)
    try {
      const [list, counts] = await Promise.all([this.#rules.read(), this.#rules.counts?.()])
      return { ...list, counts, overtaken }
    } finally {
      this.#readings.delete(overtaken)
    }
  }

  #addToView({ jobs, more, overtaken }: ListReading): void {
    this.#lastReadAt = this.#deps.now()
    this.#olderExist = more
    for (const { id, createdAt } of jobs) {
      // If a newer change is already in a frame, that frame has decided whether the job is in view.
      if (!overtaken.has(id) || this.#changes.has(id)) this.#inView.set(id, createdAt)
    }
  }
}
