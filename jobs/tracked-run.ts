import { ChangedRows } from './changed-rows.ts'
import type { Cells, Row } from './define-search.ts'
import { SearchFailed, WriteRefused } from './errors.ts'
import type { NoteEvent, StateEvent } from './events.ts'
import type { Progress } from './job.ts'
import type { RunEvent, RunWrite } from './run-write.ts'

/** Maximum size of one job. */
export const runLimits = { rows: 100_000, bytes: 32 * 1024 * 1024, bytesPerRow: 16 * 1024 }

/** Rows are written 100 at a time or after 250 ms, progress and notes after 100 ms. */
const rowsPerEvent = 100
const rowsAfterMs = 250
const progressAfterMs = 100
/** A search that is faster than its writes has to wait once this much is pending. */
const maxBytesPending = 1024 * 1024
/** Limits of one script call: Lua's `unpack` takes all events, and all changed rows, at once. */
const eventsPerWrite = 500
const patchesPerWrite = 1_000

export interface TrackedRunDeps {
  /** Applies a write once. @throws {WriteRefused} if this run may no longer write. */
  write(write: RunWrite): Promise<void>
  /** Called once, when a write is refused: the run is over. */
  onRefused(refusal: WriteRefused): void
  /** Stops resending a write that fails for another reason. */
  signal: AbortSignal
}

/**
 * Writes the rows, progress and notes of a running search to the job's record. They gather while
 * one write is in flight, so a fast search needs few writes, and each write is applied once.
 */
export class TrackedRun {
  readonly #attempt: number
  readonly #deps: TrackedRunDeps
  #rows: string[] = []
  #events: RunEvent[] = []
  readonly #changed: ChangedRows
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
    this.#changed = new ChangedRows(attempt)
  }

  /**
   * Resolves with the row's index when the search may go on.
   * @throws {WriteRefused}
   * @throws {SearchFailed} if the row is too large or the job is full.
   */
  async add(row: Row): Promise<number> {
    this.#throwFailure()
    const index = this.#rowCount
    if (this.#stopped) return index
    const json = JSON.stringify(row)
    const bytes = bytesOf(json)
    if (this.#rowCount >= runLimits.rows) this.#refuseMore()
    this.#takeBytes(bytes)
    this.#rowCount++
    this.#rows.push(json)
    if (this.#rows.length >= rowsPerEvent) {
      this.#sealRows()
      this.#writeNow()
    } else this.#writeAfter(rowsAfterMs)
    while (this.#writing && this.#bytesPending() > maxBytesPending) {
      await this.#writing
      this.#throwFailure()
    }
    return index
  }

  /**
   * Changes cells of a row that was added before.
   * @throws {TypeError} if there is no such row
   * @throws {SearchFailed} if the row becomes too large, or the job is full
   */
  update(index: number, cells: Cells): void {
    this.#throwFailure()
    if (this.#stopped) return
    if (!Number.isInteger(index) || index < 0 || index >= this.#rowCount)
      throw new TypeError(`There is no row ${index} yet, so it can't be changed`)
    const waiting = this.#rows[index - this.#sealedRows]
    if (waiting !== undefined) {
      const json = JSON.stringify({ ...JSON.parse(waiting), ...cells })
      this.#takeBytes(bytesOf(json))
      this.#rows[index - this.#sealedRows] = json
      return
    }
    this.#takeBytes(bytesOf(this.#changed.withCells(index, cells)))
    this.#changed.change(index, cells)
    this.#writeAfter(rowsAfterMs)
  }

  progress(progress: Progress): void {
    if (this.#stopped) return
    this.#progress = progress
    this.#writeAfter(progressAfterMs)
  }

  /** @param worker the process that the note is about, if any */
  note(text: string, worker?: string): void {
    if (this.#stopped) return
    this.#sealRows()
    const event: Omit<NoteEvent, 'at'> = {
      attempt: this.#attempt,
      text,
      ...(worker === undefined ? {} : { worker }),
    }
    this.#events.push({ type: 'note', data: JSON.stringify(event), rows: 0 })
    this.#writeAfter(progressAfterMs)
  }

  /** Flushes and sets the job complete. @throws {WriteRefused} */
  complete(): Promise<void> {
    return this.#end('complete', null, null)
  }

  /**
   * Flushes and ends the job in error.
   * @param message for users
   * @param stack for admins
   * @throws {WriteRefused}
   */
  fail(message: string, stack: string | null): Promise<void> {
    return this.#end('error', message, stack)
  }

  /**
   * Flushes, with a last note that says why the attempt is over although the job goes on.
   * @throws {WriteRefused}
   */
  endAttempt(why: string, worker: string): Promise<void> {
    this.note(why, worker)
    this.stop()
    this.#attemptOver = true
    return this.flush()
  }

  /** Ignores everything that the search yields or reports from here on. */
  stop(): void {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Resolves when everything gathered so far is written. @throws {WriteRefused} */
  async flush(): Promise<void> {
    this.#seal()
    while (this.#writing || this.#hasMore()) {
      this.#writeNow()
      await this.#writing
      this.#throwFailure()
    }
    this.#throwFailure()
  }

  #end(state: 'complete' | 'error', text: string | null, stack: string | null): Promise<void> {
    this.#seal()
    this.stop()
    // PostgreSQL can't store NUL, and a message may quote a page.
    const message = text?.replaceAll('\0', '') ?? null
    const event: Omit<StateEvent, 'at'> = {
      state,
      attempt: this.#attempt,
      ...(message === null ? {} : { message }),
    }
    this.#events.push({ type: 'state', data: JSON.stringify(event), rows: 0 })
    this.#ending = { state, message, stack: stack?.replaceAll('\0', '') ?? null }
    return this.flush()
  }

  /** Turns the rows and changes gathered so far into events: rows first, as they may be changed. */
  #seal(): void {
    this.#sealRows()
    this.#events.push(...this.#changed.takeEvents(rowsPerEvent))
  }

  /** Turns the rows gathered so far into one event. */
  #sealRows(): void {
    const rows = this.#rows
    if (rows.length === 0) return
    const head = JSON.stringify({ attempt: this.#attempt, from: this.#sealedRows })
    this.#events.push({
      type: 'rows',
      data: `${head.slice(0, -1)},"rows":[${rows.join(',')}]}`,
      rows: rows.length,
    })
    this.#sealedRows += rows.length
    this.#rows = []
  }

  #bytesPending(): number {
    return this.#events.reduce((sum, event) => sum + event.data.length, 0)
  }

  #hasMore(): boolean {
    return this.#events.length > 0 || this.#progress !== null
  }

  #writeAfter(ms: number): void {
    if (this.#timer || this.#writing || this.#stopped) return
    this.#timer = setTimeout(() => this.#writeNow(), ms)
  }

  #writeNow(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#writing || this.#failure) return
    this.#seal()
    if (!this.#hasMore()) return
    this.#writing = this.#send(this.#nextWrite()).then(
      () => {
        this.#writing = null
        if (this.#hasMore() || this.#rows.length > 0 || this.#changed.pending)
          this.#writeAfter(progressAfterMs)
      },
      (error) => {
        this.#writing = null
        this.#failure = error
        if (error instanceof WriteRefused) this.#deps.onRefused(error)
      },
    )
  }

  #nextWrite(): RunWrite {
    const events = this.#events.splice(0, this.#eventsOfNextWrite())
    const progress = this.#progress
    this.#progress = null
    return {
      attempt: this.#attempt,
      n: ++this.#n,
      events,
      progress,
      // The ending's event is the last one, so it goes with the last write.
      ending: this.#events.length === 0 ? this.#ending : null,
      attemptOver: this.#attemptOver,
    }
  }

  #eventsOfNextWrite(): number {
    let [count, patches] = [0, 0]
    for (const event of this.#events) {
      patches += event.patches?.length ?? 0
      if (count === eventsPerWrite || patches > patchesPerWrite) break
      count++
    }
    return count
  }

  /** @throws {SearchFailed} if the row is too large, or the job is full */
  #takeBytes(bytes: number): void {
    if (bytes > runLimits.bytesPerRow)
      throw new SearchFailed(
        `The search found a row of ${Math.ceil(bytes / 1024)} KB; a row may have at most 16 KB.`,
      )
    if (this.#bytes + bytes > runLimits.bytes) this.#refuseMore()
    this.#bytes += bytes
  }

  #refuseMore(): never {
    throw new SearchFailed(
      `The search found more than one job can hold (100,000 rows or 32 MB). The first ${this.#rowCount} rows are kept.`,
    )
  }

  /** Sends a write until it is answered. Its number makes sure that it is applied once. */
  async #send(write: RunWrite): Promise<void> {
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

function bytesOf(json: string): number {
  return new TextEncoder().encode(json).length
}
