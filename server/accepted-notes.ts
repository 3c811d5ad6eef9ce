import type { Log } from '#jobs/log.ts'
import { type AcceptedJob, noteAccepted } from '#jobs/postgres/accepted-jobs.ts'
import type { Database } from '#jobs/postgres/connect.ts'

/** A batch is written this long after its first start, or when it is full. */
const batchMs = 100
const jobsPerBatch = 500
/** During an outage of the database, more starts than this are not noted. */
const maxWaiting = 20_000
const retryMs = 1_000

/**
 * Notes accepted starts in PostgreSQL, in batches: no start waits for it. Should Redis lose its
 * data, the notes tell which jobs are lost. A start whose server dies within the time of a batch is
 * not noted.
 */
export class AcceptedNotes {
  readonly #deps: { db: Database; log: Log }
  #waiting: AcceptedJob[] = []
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> | null = null
  #failing = false

  constructor(deps: { db: Database; log: Log }) {
    this.#deps = deps
  }

  add(job: AcceptedJob): void {
    if (this.#waiting.length >= maxWaiting) return
    this.#waiting.push(job)
    if (this.#waiting.length >= jobsPerBatch && !this.#failing) this.#write()
    else this.#writeAfter(batchMs)
  }

  /** Resolves when all are written, or could not be. */
  async close(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    await this.#writing
    await noteAccepted(this.#waiting, this.#deps.db).catch(() => {})
  }

  #writeAfter(ms: number): void {
    this.#timer ??= setTimeout(() => this.#write(), ms)
  }

  #write(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#writing ??= this.#writeBatch().finally(() => {
      this.#writing = null
      if (this.#waiting.length > 0) this.#writeAfter(this.#failing ? retryMs : batchMs)
    })
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#waiting.slice(0, jobsPerBatch)
    try {
      await noteAccepted(batch, this.#deps.db)
      this.#waiting.splice(0, batch.length)
      this.#failing = false
    } catch (err) {
      if (!this.#failing)
        this.#deps.log.warn({ err }, 'Could not note accepted starts; will try again')
      this.#failing = true
    }
  }
}
