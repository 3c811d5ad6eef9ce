import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Job, JobState, Progress } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import type { Position } from '#jobs/position.ts'

/** What clients were told, and what they should not have been. */
export interface Account {
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

export const emptyAccount = (): Account => ({
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
 * What one client knows of one job, by docs/protocol.md to the letter. Whatever does not follow
 * from what it was told before is a problem, noted at once.
 */
export class JobView {
  readonly id: string
  /** Resolves once it has seen the end and has all rows. */
  readonly whole: Promise<void>
  /** Every durable event that it was told, to be compared with the job's log. */
  readonly told: { epoch: string; seq: number; digest: string }[] = []
  readonly #account: Account
  readonly #owner: string
  /** Asks for rows 0…count; called again until they fit. */
  readonly #wantRows: (view: JobView) => void
  /**
   * `closed`: not watched. `asked`: not acknowledged yet. `leaving`: what is on its way may still
   * come.
   */
  door: 'closed' | 'asked' | 'open' | 'leaving' = 'closed'
  position: Position | null = null
  state: JobState | null = null
  message: string | null = null
  attempt = 0
  rowCount = 0
  rows: unknown[] = []
  /** So many rows of this attempt were never told as events, and are to be read. */
  #toRead = 0
  #progress: Progress | null = null
  #resolve = () => {}

  constructor(
    id: string,
    {
      account,
      owner,
      wantRows,
    }: { account: Account; owner: string; wantRows(view: JobView): void },
  ) {
    this.id = id
    this.#account = account
    this.#owner = owner
    this.#wantRows = wantRows
    this.whole = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get ended(): boolean {
    return this.state !== null && !isLive(this.state)
  }

  /** As a snapshot or a resync tells it. */
  take(job: Job): void {
    if (this.position?.epoch === job.epoch && job.seq < this.position.seq)
      this.say(`goes back from ${this.position.seq} to ${job.seq}`)
    if (this.ended && !(job.seq === this.position?.seq && job.state === this.state))
      this.say('is told anew after its end')
    this.position = { epoch: job.epoch, seq: job.seq }
    this.#become(job.state, job.attempt, job.message)
    this.rows = []
    this.rowCount = job.rowCount
    this.#progress = job.progress
    this.#toRead = job.rowCount
    if (this.#toRead > 0) this.#wantRows(this)
    this.#settle()
  }

  /** The rest of an acknowledgement that replayed, after its events. */
  confirm(job: Job): void {
    const mine = {
      state: this.state,
      attempt: this.attempt,
      rowCount: this.rowCount,
      seq: this.position?.seq,
    }
    const theirs = { state: job.state, attempt: job.attempt, rowCount: job.rowCount, seq: job.seq }
    if (JSON.stringify(mine) !== JSON.stringify(theirs))
      this.say(`was replayed to ${JSON.stringify(mine)}, and is ${JSON.stringify(theirs)}`)
    this.#progress = job.progress
  }

  event(seq: number | null, type: string, data: unknown): void {
    if (this.door === 'leaving') return
    const wrong =
      this.door !== 'open' ? 'without an acknowledged watch' : this.ended ? 'after the end' : null
    if (wrong !== null || !this.position)
      this.say(`${type} ${seq} comes ${wrong ?? 'before any position'}`)
    else if (seq === null) this.#progressed(data)
    else this.#follow(this.position, seq, type, data)
  }

  #follow({ epoch, seq: known }: Position, seq: number, type: string, data: unknown): void {
    const name = `${type} ${seq}`
    if (seq <= known) {
      this.#account.duplicated++
      this.say(`${name} comes after ${known}`)
      return
    }
    if (seq > known + 1) {
      this.#account.missing += seq - known - 1
      this.say(`${name} follows ${known}`)
    }
    this.position = { epoch, seq }
    this.#account.delivered++
    this.told.push({ epoch, seq, digest: digestOf(type, JSON.stringify(data)) })
    const { state, attempt, message, from, rows } = EventData.parse(data)
    if (type === 'state' && state !== undefined) {
      if (state === 'running' && attempt <= this.attempt)
        this.say(`${name}: attempt ${attempt} begins after ${this.attempt}`)
      if (attempt !== this.attempt) {
        this.rows = []
        this.rowCount = 0
        this.#toRead = 0
        this.#progress = null
      }
      this.#become(state, attempt, message)
      this.#settle()
    } else if (type === 'rows' && rows && from !== undefined) {
      if (attempt !== this.attempt || from !== this.rowCount)
        this.say(
          `${name}: attempt ${attempt} from ${from}, with ${this.rowCount} of ${this.attempt}`,
        )
      for (const [i, row] of rows.entries()) this.rows[from + i] = row
      this.rowCount = from + rows.length
    } else if (type !== 'note') this.say(`${name} is of no type that there is`)
  }

  /** @returns whether that is all that was to be read */
  takeRows({ attempt, from, rows }: RowsPage): boolean {
    if (this.#toRead === 0) return true
    // Another attempt than the one that is shown: what says so is on its way, or the rows are.
    if (attempt !== this.attempt || from !== 0 || rows.length < this.#toRead) return false
    for (let i = 0; i < this.#toRead; i++) this.rows[i] = rows[i]
    this.#toRead = 0
    this.#settle()
    return true
  }

  say(problem: string): void {
    this.#account.problems.push(`${this.#owner}, ${this.id}: ${problem}`)
  }

  #progressed(data: unknown): void {
    const { attempt, ...progress } = Progress.extend({ attempt: z.number() }).parse(data)
    if (attempt !== this.attempt) return
    this.#account.progress++
    if (this.#progress?.phase === progress.phase && progress.done < this.#progress.done)
      this.#account.progressWentBack++
    this.#progress = progress
  }

  #become(state: JobState, attempt: number, message: string | null | undefined): void {
    this.state = state
    this.attempt = attempt
    this.message = message ?? null
  }

  #settle(): void {
    if (this.ended && this.#toRead === 0) this.#resolve()
  }
}
