import type { Numbered } from './ledger.ts'
import { SharedFrame } from './shared-frame.ts'

/** One event of a job. Encoded once for all its readers. */
export class LiveEvent implements Numbered {
  readonly jobId: string
  /** null for progress. */
  readonly seq: number | null
  readonly type: string
  /** JSON, as written by the worker. */
  readonly data: string
  #encoded: string | null = null
  #frame: SharedFrame | null = null

  constructor(jobId: string, seq: number | null, type: string, data: string) {
    this.jobId = jobId
    this.seq = seq
    this.type = type
    this.data = data
  }

  /** `[id, seq, type, data]` as JSON: one entry of an `events` frame. */
  get encoded(): string {
    this.#encoded ??= `["${this.jobId}",${this.seq},"${this.type}",${this.data}]`
    return this.#encoded
  }

  /** The `events` frame that holds this event alone. */
  get frame(): SharedFrame {
    this.#frame ??= new SharedFrame('events', `[${this.encoded}]`)
    return this.#frame
  }
}
