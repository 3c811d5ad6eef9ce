import type { Log } from '#jobs/log.ts'
import { type AcceptedJob, noteAccepted } from '#jobs/postgres/accepted-jobs.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import { outageOf } from './outage.ts'

/** A batch is written this long after its first start, or when it is full. */
const batchMs = 100
const maxBatch = { jobs: 500, bytes: 4 * 1024 * 1024 }
/** How much may wait during an outage of the database. */
const maxWaiting = { jobs: 20_000, bytes: 64 * 1024 * 1024 }
const retryMs = 1_000

interface WaitingNote {
  job: AcceptedJob
  /** About the size of its input. */
  bytes: number
}

/**
 * Notes accepted starts in PostgreSQL, in batches: no start waits for it. Should Redis lose its
 * data, the notes tell which jobs are lost. A start whose server dies before its batch is written,
 * or that comes when too many wait, is noted by a worker within seconds if its job is still live.
 */
export class AcceptedNotes {
  readonly #deps: { db: Database; log: Log }
  readonly #waiting: WaitingNote[] = []
  #bytes = 0
  /** Starts that came when too many waited. */
  #leftOut = 0
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> | null = null
  #failing = false
  #closed = false
  /** Fewer after a batch that the database refuses, to find the note that is to blame. */
  #batchJobs = maxBatch.jobs

  constructor(deps: { db: Database; log: Log }) {
    this.#deps = deps
  }

  add(job: AcceptedJob): void {
    const bytes = JSON.stringify(job.input).length
    if (
      this.#waiting.length >= maxWaiting.jobs ||
      (this.#waiting.length > 0 && this.#bytes + bytes > maxWaiting.bytes)
    ) {
      this.#leftOut++
      return
    }
    this.#waiting.push({ job, bytes })
    this.#bytes += bytes
    if (this.#waiting.length >= maxBatch.jobs && !this.#failing && !this.#closed) this.#write()
    else this.#writeAfter(batchMs)
  }

  /** Resolves when all are written, or could not be. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#writing
    do await this.#writeBatch()
    while (this.#waiting.length > 0 && !this.#failing)
  }

  #writeAfter(ms: number): void {
    if (!this.#closed) this.#timer ??= setTimeout(() => this.#write(), ms)
  }

  #write(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#writing ??= this.#writeBatch().finally(() => {
      this.#writing = null
      if (this.#waiting.length > 0) this.#writeAfter(this.#failing ? retryMs : 0)
    })
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#nextBatch()
    try {
      await noteAccepted(
        batch.map(({ job }) => job),
        this.#deps.db,
      )
      this.#drop(batch)
      this.#failing = false
      this.#batchJobs = maxBatch.jobs
      this.#reportLeftOut()
    } catch (error) {
      if (outageOf(error)) this.#retryLater(error)
      else this.#narrowDown(error, batch)
    }
  }

  #nextBatch(): WaitingNote[] {
    let [jobs, bytes] = [0, 0]
    while (jobs < Math.min(this.#batchJobs, this.#waiting.length)) {
      bytes += this.#waiting[jobs]?.bytes ?? 0
      if (jobs > 0 && bytes > maxBatch.bytes) break
      jobs++
    }
    return this.#waiting.slice(0, jobs)
  }

  #drop(batch: readonly WaitingNote[]): void {
    this.#waiting.splice(0, batch.length)
    for (const { bytes } of batch) this.#bytes -= bytes
  }

  #retryLater(error: unknown): void {
    if (!this.#failing)
      this.#deps.log.warn({ err: error }, 'Could not note accepted starts; will try again')
    this.#failing = true
  }

  /** A note that the database refuses must not keep the others from being written. */
  #narrowDown(error: unknown, batch: readonly WaitingNote[]): void {
    const [first] = batch
    if (batch.length > 1) this.#batchJobs = Math.ceil(batch.length / 2)
    else if (first) {
      this.#deps.log.error({ err: error, job: first.job.id }, 'Could not note an accepted start')
      this.#drop(batch)
    }
  }

  #reportLeftOut(): void {
    if (this.#leftOut === 0) return
    this.#deps.log.warn(
      { starts: this.#leftOut },
      'Too many starts waited for the database to be noted here; workers note those still live',
    )
    this.#leftOut = 0
  }
}
