import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Job, JobState, Progress } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import type { Position } from '#jobs/position.ts'

/** Counts over all clients, and the violations of the protocol that they saw. */
export interface Observations {
  delivered: number
  progress: number
  snapshots: number
  replays: number
  resyncs: number
  missing: number
  duplicated: number
  progressWentBack: number
  problems: string[]
}

export const emptyObservations = (): Observations => ({
  delivered: 0,
  progress: 0,
  snapshots: 0,
  replays: 0,
  resyncs: 0,
  missing: 0,
  duplicated: 0,
  progressWentBack: 0,
  problems: [],
})

export const RowsPage = z.object({
  attempt: z.number(),
  from: z.number(),
  rows: z.array(z.unknown()),
  rowCount: z.number(),
})
type RowsPage = z.infer<typeof RowsPage>

const EventData = z.object({
  state: JobState.optional(),
  attempt: z.number(),
  message: z.string().optional(),
  from: z.number().optional(),
  rows: z.array(z.unknown()).optional(),
})

export const digestOf = (type: string, data: string) =>
  createHash('sha1').update(type).update(data).digest('base64')

/**
 * One client's view of one job, strictly by docs/protocol.md. An event or snapshot that does not
 * follow from those received before is reported as a problem at once.
 */
export class JobView {
  readonly id: string
  /** Resolves once the view has seen the end and has all rows. */
  readonly finished: Promise<void>
  /** Every durable event received, for comparison with the job's log. */
  readonly received: { epoch: string; seq: number; digest: string }[] = []
  readonly #observed: Observations
  readonly #owner: string
  /** Requests rows 0…count, again and again until they fit this view. */
  readonly #requestRows: (view: JobView) => void
  /**
   * `requested`: the watch is not acknowledged yet. `unwatching`: neither is the unwatch, so events
   * under way may still arrive.
   */
  watchState: 'unwatched' | 'requested' | 'watching' | 'unwatching' = 'unwatched'
  position: Position | null = null
  state: JobState | null = null
  message: string | null = null
  attempt = 0
  rowCount = 0
  rows: unknown[] = []
  /** Rows of this attempt that preceded the snapshot: no event brings them, they must be read. */
  #rowsToRead = 0
  #progress: Progress | null = null
  #resolve = () => {}

  constructor(
    id: string,
    {
      observed,
      owner,
      requestRows,
    }: { observed: Observations; owner: string; requestRows(view: JobView): void },
  ) {
    this.id = id
    this.#observed = observed
    this.#owner = owner
    this.#requestRows = requestRows
    this.finished = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get ended(): boolean {
    return this.state !== null && !isLive(this.state)
  }

  /** Replaces the view with the job of a snapshot or a resync. */
  takeSnapshot(job: Job): void {
    if (this.position?.epoch === job.epoch && job.seq < this.position.seq)
      this.report(`its snapshot goes back from event ${this.position.seq} to ${job.seq}`)
    if (this.ended && !(job.seq === this.position?.seq && job.state === this.state))
      this.report('a later snapshot differs from its ending')
    this.position = { epoch: job.epoch, seq: job.seq }
    this.#setState(job.state, job.attempt, job.message)
    this.rows = []
    this.rowCount = job.rowCount
    this.#progress = job.progress
    this.#rowsToRead = job.rowCount
    if (this.#rowsToRead > 0) this.#requestRows(this)
    this.#resolveIfFinished()
  }

  /** Compares the view with the job that an acknowledgement states, after its replayed events. */
  confirmReplay(job: Job): void {
    const seen = {
      state: this.state,
      attempt: this.attempt,
      rowCount: this.rowCount,
      seq: this.position?.seq,
    }
    const answered = {
      state: job.state,
      attempt: job.attempt,
      rowCount: job.rowCount,
      seq: job.seq,
    }
    if (JSON.stringify(seen) !== JSON.stringify(answered))
      this.report(
        `its replay led to ${JSON.stringify(seen)}, but its acknowledgement says ${JSON.stringify(answered)}`,
      )
    this.#progress = job.progress
  }

  takeEvent(seq: number | null, type: string, data: unknown): void {
    if (this.watchState === 'unwatching') return
    const violation =
      this.watchState !== 'watching'
        ? 'without an acknowledged watch'
        : this.ended
          ? 'after the end'
          : null
    if (violation !== null || !this.position)
      this.report(`event ${seq} (${type}) arrived ${violation ?? 'before any position'}`)
    else if (seq === null) this.#takeProgress(data)
    else this.#follow(this.position, seq, type, data)
  }

  #follow({ epoch, seq: known }: Position, seq: number, type: string, data: unknown): void {
    const name = `event ${seq} (${type})`
    if (seq <= known) {
      this.#observed.duplicated++
      this.report(`${name} arrived after event ${known}`)
      return
    }
    if (seq > known + 1) {
      this.#observed.missing += seq - known - 1
      this.report(`${name} arrived after event ${known}: events are missing between them`)
    }
    this.position = { epoch, seq }
    this.#observed.delivered++
    this.received.push({ epoch, seq, digest: digestOf(type, JSON.stringify(data)) })
    const { state, attempt, message, from, rows } = EventData.parse(data)
    if (type === 'state' && state !== undefined) {
      if (state === 'running' && attempt <= this.attempt)
        this.report(`${name}: attempt ${attempt} starts after attempt ${this.attempt}`)
      if (attempt !== this.attempt) {
        this.rows = []
        this.rowCount = 0
        this.#rowsToRead = 0
        this.#progress = null
      }
      this.#setState(state, attempt, message)
      this.#resolveIfFinished()
    } else if (type === 'rows' && rows && from !== undefined) {
      if (attempt !== this.attempt || from !== this.rowCount)
        this.report(
          `${name}: rows of attempt ${attempt} start at ${from}, but the view has ${this.rowCount} of attempt ${this.attempt}`,
        )
      for (const [i, row] of rows.entries()) this.rows[from + i] = row
      this.rowCount = from + rows.length
    } else if (type !== 'note') this.report(`${name} has an unknown type`)
  }

  /** @returns whether no rows remain to be read */
  takeRows({ attempt, from, rows }: RowsPage): boolean {
    if (this.#rowsToRead === 0) return true
    // The page and the view show different attempts. One of them is behind: read again.
    if (attempt !== this.attempt || from !== 0 || rows.length < this.#rowsToRead) return false
    for (let i = 0; i < this.#rowsToRead; i++) this.rows[i] = rows[i]
    this.#rowsToRead = 0
    this.#resolveIfFinished()
    return true
  }

  report(problem: string): void {
    this.#observed.problems.push(`${this.#owner}, ${this.id}: ${problem}`)
  }

  #takeProgress(data: unknown): void {
    const { attempt, ...progress } = Progress.extend({ attempt: z.number() }).parse(data)
    if (attempt !== this.attempt) return
    this.#observed.progress++
    if (this.#progress?.phase === progress.phase && progress.done < this.#progress.done)
      this.#observed.progressWentBack++
    this.#progress = progress
  }

  #setState(state: JobState, attempt: number, message: string | null | undefined): void {
    this.state = state
    this.attempt = attempt
    this.message = message ?? null
  }

  #resolveIfFinished(): void {
    if (this.ended && this.#rowsToRead === 0) this.#resolve()
  }
}
