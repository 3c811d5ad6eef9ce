import { SharedFrame } from './shared-frame.ts'
import type { Numbered } from './topic.ts'

/** One event of a job on its way to readers. Encoded once, however many read it. */
export class LiveEvent implements Numbered {
  readonly jobId: string
  /** null for progress. */
  readonly seq: number | null
  readonly type: string
  /** JSON, as the worker wrote it. */
  readonly data: string
  #encoded: string | null = null
  #frame: SharedFrame | null = null

  constructor(jobId: string, seq: number | null, type: string, data: string) {
    this.jobId = jobId
    this.seq = seq
    this.type = type
    this.data = data
  }

  /** `[id, seq, type, data]` as JSON: one entry of a frame. */
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
