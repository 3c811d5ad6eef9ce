import type { Job } from '#jobs/job.ts'

/** One event on its way to readers. Encoded once, however many read it. */
export class LiveEvent {
  readonly jobId: string
  /** null for progress. */
  readonly seq: number | null
  readonly type: string
  /** JSON, as the worker wrote it. */
  readonly data: string
  #encoded: string | null = null

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
}

/** Somebody who watches jobs: a socket or an event stream. None of these calls may throw or wait. */
export interface JobReader {
  /** The next event in order, or progress. */
  event(event: LiveEvent): void
  /** Events were missed for good: this is the job now. Its rows are to be read again. */
  resync(job: Job): void
  /** Nothing more will come of this job: its end was delivered, or (with a code) it is no longer readable. */
  closed(jobId: string, code: 'not_found' | null): void
}
