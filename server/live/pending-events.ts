import type { Job } from '#jobs/job.ts'
import type { LiveEvent } from './live-event.ts'

/** What waits of one job for one client. */
export class PendingEvents {
  /**
   * `stale`: too much had gathered, so the job is to be watched anew, from a snapshot; `reading`:
   * that is under way. What is told of it until then is part of the snapshot, or follows it.
   */
  standing: 'current' | 'stale' | 'reading' = 'current'
  /** Of the durable events. */
  bytes = 0
  /** The job as a whole, to be sent before the events that follow it. */
  resync: Job | null = null
  /** Durable events in order. */
  #events: LiveEvent[] = []
  /** The latest only. */
  #progress: LiveEvent | null = null

  get empty(): boolean {
    return this.#events.length === 0 && this.#progress === null && this.resync === null
  }

  get hasEvents(): boolean {
    return this.#events.length > 0
  }

  add(event: LiveEvent): void {
    if (event.seq === null) {
      this.#progress = event
      return
    }
    // A state is an ending or a new attempt: progress from before it is void.
    if (event.type === 'state') this.#progress = null
    this.#events.push(event)
    this.bytes += event.data.length
  }

  /**
   * Durable events from the front until there are so many bytes; once none is left, the progress
   * behind them.
   */
  take(most: number): LiveEvent[] {
    let bytes = 0
    let count = 0
    for (const { data } of this.#events) {
      if (bytes >= most) break
      bytes += data.length
      count++
    }
    this.bytes -= bytes
    const taken = this.#events.splice(0, count)
    if (this.#progress && this.#events.length === 0) taken.push(this.#progress)
    return taken
  }

  /** The job is to be watched anew. */
  giveUp(): void {
    this.#events = []
    this.#progress = null
    this.bytes = 0
    this.resync = null
    this.standing = 'stale'
  }

  takeOver(job: Job): void {
    this.standing = 'current'
    this.resync = job
  }
}
