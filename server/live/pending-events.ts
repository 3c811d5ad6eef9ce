import { PatchEvent } from '#jobs/events.ts'
import type { Job } from '#jobs/job.ts'
import { LiveEvent } from './live-event.ts'

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
  /** By the index of a changed row: the seq of the pending event that holds its cells. */
  #changes: Map<number, number> | null = null

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
    if (event.type === 'patch') this.#dropOverwritten(event)
    this.#events.push(event)
    this.bytes += event.data.length
  }

  /**
   * Takes rows out of pending changes that this one overwrites. The events stay, because their seqs
   * must not have gaps.
   */
  #dropOverwritten({ seq, data }: LiveEvent): void {
    if (seq === null) return
    this.#changes ??= new Map()
    const overwritten = new Map<number, Set<number>>()
    for (const [index] of PatchEvent.parse(JSON.parse(data)).rows) {
      const before = this.#changes.get(index)
      this.#changes.set(index, seq)
      if (before === undefined) continue
      overwritten.set(before, (overwritten.get(before) ?? new Set()).add(index))
    }
    if (overwritten.size === 0) return
    this.#events = this.#events.map((event) => {
      const indexes = event.seq === null ? undefined : overwritten.get(event.seq)
      if (!indexes) return event
      const patch = PatchEvent.parse(JSON.parse(event.data))
      const rows = patch.rows.filter(([index]) => !indexes.has(index))
      const data = JSON.stringify({ ...patch, rows })
      this.bytes -= event.data.length - data.length
      return new LiveEvent(event.jobId, event.seq, event.type, data)
    })
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
    if (this.#events.length === 0) this.#changes = null
    if (this.#progress && this.#events.length === 0) taken.push(this.#progress)
    return taken
  }

  /** Drops everything; a snapshot must be fetched. */
  markStale(): void {
    this.#events = []
    this.#changes = null
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
