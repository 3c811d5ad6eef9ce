import type { Row } from './define-search.ts'
import { SearchFailed, WriteRefused } from './errors.ts'
import type { NoteEvent, StateEvent } from './events.ts'
import type { Progress } from './job.ts'

/** The most that one job may hold. */
export const runLimits = { rows: 100_000, bytes: 32 * 1024 * 1024, bytesPerRow: 16 * 1024 }

/** Rows leave 100 at a time or after 250 ms, progress after 100 ms. */
const rowsPerEvent = 100
const rowsAfterMs = 250
const progressAfterMs = 100
/** A search that is faster than its writes waits once this much has gathered. */
const mostBytesWaiting = 1024 * 1024
/** What one script call takes: Lua unpacks them all at once. */
const eventsPerWrite = 500

/** One durable event of a run; `data` is JSON. */
export interface RunEvent {
  type: 'rows' | 'note' | 'state'
  data: string
  /** How many rows it holds. */
  rows: number
}

/** What gathered since the last write. The same `n` again is the same write again. */
export interface RunWrite {
  attempt: number
  /** 1, 2, 3… within the attempt. */
  n: number
  events: RunEvent[]
  progress: Progress | null
  /** The last event tells it too, but for where an error came from. */
  ending: {
    state: 'complete' | 'error'
    message: string | null
    stack: string | null
    at: Date
  } | null
  /** One of the events says why this attempt is over though the job is not. */
  attemptOver: boolean
}

export interface TrackedRunDeps {
  /** Applies a write once. @throws {WriteRefused} when this run may not write any more. */
  write(write: RunWrite): Promise<void>
  now(): Date
  /** Called once, when a write was refused: the run is over. */
  onRefused(refusal: WriteRefused): void
  /** Stops trying a write that fails for another reason. */
  signal: AbortSignal
}

/**
 * What a running search says, on its way into the record: rows, progress and notes gather here
 * while one write is in flight, so that a fast search costs few writes and every write happens
 * once.
 */
export class TrackedRun {
  readonly #attempt: number
  readonly #deps: TrackedRunDeps
  #rows: string[] = []
  #events: RunEvent[] = []
  #progress: Progress | null = null
  #ending: RunWrite['ending'] = null
  #rowCount = 0
  #sealedRows = 0
  #bytes = 0
  #n = 0
  #timer: ReturnType<typeof setTimeout> | null = null
  #writing: Promise<void> | null = null
  #failure: unknown = null
  #stopped = false
  #attemptOver = false

  constructor(attempt: number, deps: TrackedRunDeps) {
    this.#attempt = attempt
    this.#deps = deps
  }

  /**
   * Resolves when the search may go on.
   * @throws {WriteRefused}
   * @throws {SearchFailed} when the job is full.
   */
  async add(row: Row): Promise<void> {
    this.#throwFailure()
    if (this.#stopped) return
    const json = JSON.stringify(row)
    const bytes = new TextEncoder().encode(json).length
    if (bytes > runLimits.bytesPerRow)
      throw new SearchFailed(`A row of ${Math.ceil(bytes / 1024)} KB was found; the most is 16 KB.`)
    if (this.#rowCount >= runLimits.rows || this.#bytes + bytes > runLimits.bytes) {
      throw new SearchFailed(
        `The search found more than one job can hold (100,000 rows or 32 MB); the first ${this.#rowCount} rows are kept.`,
      )
    }
    this.#bytes += bytes
    this.#rowCount++
    this.#rows.push(json)
    if (this.#rows.length >= rowsPerEvent) {
      this.#seal()
      this.#kick()
    } else this.#kickAfter(rowsAfterMs)
    while (this.#writing && this.#bytesWaiting() > mostBytesWaiting) {
      await this.#writing
      this.#throwFailure()
    }
  }

  progress(progress: Progress): void {
    if (this.#stopped) return
    this.#progress = progress
    this.#kickAfter(progressAfterMs)
  }

  /** @param worker the process that it is about */
  note(text: string, worker?: string): void {
    if (this.#stopped) return
    this.#seal()
    const at = this.#deps.now().toISOString()
    const event: NoteEvent = {
      at,
      attempt: this.#attempt,
      text,
      ...(worker === undefined ? {} : { worker }),
    }
    this.#events.push({ type: 'note', data: JSON.stringify(event), rows: 0 })
    this.#kickAfter(progressAfterMs)
  }

  /** Writes what is left and sets the job complete. @throws {WriteRefused} */
  complete(): Promise<void> {
    return this.#end('complete', null, null)
  }

  /**
   * Writes what is left and ends the job in error.
   * @param message for people.
   * @param stack for admins.
   * @throws {WriteRefused}
   */
  fail(message: string, stack: string | null): Promise<void> {
    return this.#end('error', message, stack)
  }

  /**
   * Writes what is left and, as its last words, why the attempt is over though the job goes on.
   * @throws {WriteRefused}
   */
  leave(why: string, worker: string): Promise<void> {
    this.note(why, worker)
    this.stop()
    this.#attemptOver = true
    return this.flush()
  }

  /** Takes nothing more from here on, whatever a search that does not hear goes on to say. */
  stop(): void {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Writes all that has gathered. @throws {WriteRefused} */
  async flush(): Promise<void> {
    this.#seal()
    while (this.#writing || this.#hasMore()) {
      this.#kick()
      await this.#writing
      this.#throwFailure()
    }
    this.#throwFailure()
  }

  #end(state: 'complete' | 'error', told: string | null, stack: string | null): Promise<void> {
    this.#seal()
    this.stop()
    const at = this.#deps.now()
    // PostgreSQL holds no NUL, and a message may quote a page.
    const message = told?.replaceAll('\0', '') ?? null
    const event: StateEvent = {
      at: at.toISOString(),
      state,
      attempt: this.#attempt,
      ...(message === null ? {} : { message }),
    }
    this.#events.push({ type: 'state', data: JSON.stringify(event), rows: 0 })
    this.#ending = { state, message, stack: stack?.replaceAll('\0', '') ?? null, at }
    return this.flush()
  }

  #seal(): void {
    const rows = this.#rows
    if (rows.length === 0) return
    const head = JSON.stringify({
      at: this.#deps.now().toISOString(),
      attempt: this.#attempt,
      from: this.#sealedRows,
    })
    this.#events.push({
      type: 'rows',
      data: `${head.slice(0, -1)},"rows":[${rows.join(',')}]}`,
      rows: rows.length,
    })
    this.#sealedRows += rows.length
    this.#rows = []
  }

  #bytesWaiting(): number {
    return this.#events.reduce((sum, event) => sum + event.data.length, 0)
  }

  #hasMore(): boolean {
    return this.#events.length > 0 || this.#progress !== null
  }

  #kickAfter(ms: number): void {
    if (this.#timer || this.#writing || this.#stopped) return
    this.#timer = setTimeout(() => this.#kick(), ms)
  }

  #kick(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#writing || this.#failure) return
    this.#seal()
    if (!this.#hasMore()) return
    const events = this.#events.splice(0, eventsPerWrite)
    const write: RunWrite = {
      attempt: this.#attempt,
      n: ++this.#n,
      events,
      progress: this.#progress,
      // It is the last event.
      ending: this.#events.length === 0 ? this.#ending : null,
      attemptOver: this.#attemptOver,
    }
    this.#progress = null
    this.#writing = this.#deliver(write).then(
      () => {
        this.#writing = null
        if (this.#hasMore() || this.#rows.length > 0) this.#kickAfter(progressAfterMs)
      },
      (error) => {
        this.#writing = null
        this.#failure = error
        if (error instanceof WriteRefused) this.#deps.onRefused(error)
      },
    )
  }

  /**
   * Sends the same write until it is answered: numbered, it happens once however often it is sent.
   */
  async #deliver(write: RunWrite): Promise<void> {
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      try {
        return await this.#deps.write(write)
      } catch (error) {
        if (error instanceof WriteRefused || this.#deps.signal.aborted) throw error
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure
  }
}
