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
  /** Where its changes are told: one ledger, or one of each shard. */
  ledgers: ListLedger[]
  fits(job: JobSummary): boolean
  /** The newest that fit, from Redis and the archive; and whether there are older ones. */
  read(): Promise<{ jobs: JobSummary[]; more: boolean }>
  /** Sent along where the list has them. */
  counts?(): Promise<JobCounts>
  /** So many jobs are in view; changes of older ones are nobody's concern. */
  most: number
  /**
   * Jobs may leave the view without new ones to come. With fewer than this in view while older ones
   * exist, it is read again.
   */
  refillBelow: number
}

interface ListReading extends ListAnswer {
  /** Whether there are older ones. */
  more: boolean
  /** Jobs that changed while it was read. */
  overtaken: Set<string>
}

/** Somebody who looks at the list. */
export interface ListReader {
  frame(frame: ListFrame): void
}

export interface ListAnswer {
  jobs: JobSummary[]
  counts: JobCounts | undefined
}

/** A frame at most this often, whatever the rate of jobs. */
const frameEveryMs = 250
/** What comes together leaves together: a job's creation and its start are mostly this close. */
const gatherMs = 20
const refillEveryMs = 5_000
const tryAgainMs = 1_000

/**
 * A list of jobs as it changes: a user's own, or everybody's under one filter. Of each job the last
 * state wins. What readers are told is made once for all of them, so another reader costs one more
 * write and no more.
 */
export class ListView {
  readonly #rules: ListRules
  readonly #deps: { hub: Hub; log: Log; onEmpty(): void }
  /** With the frames that wait until the reader has been answered; null from then on. */
  readonly #readers = new Map<ListReader, ListFrame[] | null>()
  readonly #listener: Reader<Position, ListEvent>
  #listening: Promise<unknown> | null = null
  /** The last change of each job that readers have not been told of. */
  #changes = new Map<string, Pick<ListEvent, 'job'>>()
  /** When each job in view was created, by id. */
  #inView = new Map<string, string>()
  #olderExist = false
  #counts = ''
  #timer: NodeJS.Timeout | null = null
  #refilling: NodeJS.Timeout | null = null
  #lastFrameAt = 0
  #lastReadAt = 0
  /**
   * Readings under way, each with the jobs that changed since it began: of those it may hold less
   * than was told.
   */
  readonly #readings = new Set<Set<string>>()
  readonly #refreshing: CoalescedTask

  constructor(rules: ListRules, deps: { hub: Hub; log: Log; onEmpty(): void }) {
    this.#rules = rules
    this.#deps = deps
    this.#listener = {
      event: ({ id, job }) => {
        this.#changes.set(id, { job })
        for (const overtaken of this.#readings) overtaken.add(id)
        this.#schedule()
      },
      resync: () => this.#refreshing.request(),
      closed: () => {},
    }
    this.#refreshing = new CoalescedTask(
      () => this.#refresh(),
      (err) => {
        deps.log.warn({ err }, 'Could not read a list again; will try again')
        setTimeout(() => this.#refreshing.request(), tryAgainMs)
      },
    )
  }

  /**
   * Listens first, then reads, and only then tells of changes.
   * @param answer is given the list as it is, at once before the first frame
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
      this.#takeIn(reading)
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
    if (this.#timer) clearTimeout(this.#timer)
    if (this.#refilling) clearTimeout(this.#refilling)
    for (const ledger of this.#rules.ledgers) this.#deps.hub.stopListening(this.#listener, ledger)
    this.#deps.onEmpty()
  }

  #schedule(): void {
    this.#timer ??= setTimeout(
      () =>
        this.#tell().catch((error) =>
          this.#deps.log.warn({ err: error }, 'Could not count the jobs; will try again'),
        ),
      Math.max(gatherMs, this.#lastFrameAt + frameEveryMs - performance.now()),
    )
  }

  async #tell(): Promise<void> {
    this.#lastFrameAt = performance.now()
    try {
      const counts = await this.#rules.counts?.()
      const frame = this.#nextFrame(counts)
      if (!frame) return
      this.#lastFrameAt = performance.now()
      for (const [reader, waiting] of this.#readers) {
        if (waiting) waiting.push(frame)
        else reader.frame(frame)
      }
      this.#refillInTime()
    } finally {
      this.#timer = null
      // What came meanwhile, or could not be told.
      if (this.#changes.size > 0 && this.#readers.size > 0) this.#schedule()
    }
  }

  /** Null when nothing that is in view has changed. */
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
    this.#trim()
    const inView = changed.filter(({ id }) => this.#inView.has(id))
    const counted = JSON.stringify(counts) ?? ''
    if (inView.length === 0 && removed.length === 0 && counted === this.#counts) return null
    this.#counts = counted
    return new ListFrame(inView, removed, counts)
  }

  /** The oldest give way. */
  #trim(): void {
    const { most } = this.#rules
    if (this.#inView.size <= most) return
    const places = [...this.#inView].map(([id, createdAt]) => ({ id, createdAt })).sort(newestFirst)
    this.#inView = new Map(places.slice(0, most).map(({ id, createdAt }) => [id, createdAt]))
    this.#olderExist = true
  }

  #refillInTime(): void {
    if (!this.#olderExist || this.#inView.size >= this.#rules.refillBelow) return
    this.#refilling ??= setTimeout(
      () => {
        this.#refilling = null
        this.#refreshing.request()
      },
      Math.max(0, this.#lastReadAt + refillEveryMs - performance.now()),
    )
  }

  /** Changes were missed: the list is read again, until that succeeds. */
  async #refresh(): Promise<void> {
    if (this.#readers.size === 0) return
    const reading = await this.#read()
    const { jobs, more, overtaken } = reading
    for (const job of jobs)
      if (!overtaken.has(job.id)) this.#changes.set(job.id, { job: () => job })
    const oldest = jobs.at(-1)?.createdAt ?? ''
    const listed = new Set(jobs.map(({ id }) => id))
    for (const [id, createdAt] of this.#inView) {
      // In view, and in the stretch that was read, yet not there: it was deleted meanwhile, or fits
      // no more.
      const missing = !listed.has(id) && (!more || createdAt > oldest)
      if (missing && !overtaken.has(id)) this.#changes.set(id, { job: () => null })
    }
    this.#takeIn(reading)
    this.#schedule()
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

  #takeIn({ jobs, more, overtaken }: ListReading): void {
    this.#lastReadAt = performance.now()
    this.#olderExist = more
    for (const { id, createdAt } of jobs) {
      // What changed meanwhile and was told already is in view or not as it was told.
      if (!overtaken.has(id) || this.#changes.has(id)) this.#inView.set(id, createdAt)
    }
  }
}
