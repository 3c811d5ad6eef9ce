import type { Job } from '#jobs/job.ts'
import type { LiveEvent } from './live-event.ts'

/** The events of one job that wait to be sent to one client. */
export class PendingEvents {
  /**
   * `stale`: too many events queued; fetch a snapshot. `fetching`: the snapshot is under way.
   * Events that arrive before it are dropped: the snapshot holds them, or they are delivered again
   * after it.
   */
  status: 'current' | 'stale' | 'fetching' = 'current'
  /** Size of the durable events. */
  bytes = 0
  /** A snapshot to send before the events that follow it. */
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
    // A state event means an ending or a new attempt, which voids earlier progress.
    if (event.type === 'state') this.#progress = null
    this.#events.push(event)
    this.bytes += event.data.length
  }

  /**
   * Removes and returns durable events from the front, until their size reaches `maxBytes`; if none
   * is left, the progress after them.
   */
  take(maxBytes: number): LiveEvent[] {
    let bytes = 0
    let count = 0
    for (const { data } of this.#events) {
      if (bytes >= maxBytes) break
      bytes += data.length
      count++
    }
    this.bytes -= bytes
    const taken = this.#events.splice(0, count)
    if (this.#progress && this.#events.length === 0) taken.push(this.#progress)
    return taken
  }

  /** Drops everything; a snapshot must be fetched. */
  markStale(): void {
    this.#events = []
    this.#progress = null
    this.bytes = 0
    this.resync = null
    this.status = 'stale'
  }

  resumeFrom(job: Job): void {
    this.status = 'current'
    this.resync = job
  }
}
