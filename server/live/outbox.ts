import type { Job } from '#jobs/job.ts'
import type { Waiting } from '#jobs/waiting.ts'
import type { Hub, JobReader } from './hub.ts'
import type { ListFrame, ListName } from './list-frame.ts'
import type { LiveEvent } from './live-event.ts'
import { PendingEvents } from './pending-events.ts'
import type { WaitingReader } from './waiting-watch.ts'

/** The connection of one client: a socket or an event stream. Each call writes one frame. */
export interface Connection {
  /** Whether the previous frame has been flushed. */
  readonly writable: boolean
  /** Calls back whenever it becomes writable. */
  onWritable(callback: () => void): void
  events(events: readonly LiveEvent[]): void
  resync(job: Job): void
  list(name: ListName, frame: ListFrame): void
  waiting(jobId: string, waiting: Waiting): void
  revoked(jobId: string, code: 'not_found'): void
  close(): void
  /** Everything pending has been written, and the client watches no job. */
  finished?(): void
}

export interface OutboxDeps {
  hub: Pick<Hub, 'watch'>
  /** In ms, by a monotonic clock. */
  now(): number
  /** Called when a watch ends because its job has ended. */
  onEnded?(jobId: string): void
}

const limits = {
  /** Above this, a job's pending events are replaced by one resync. */
  bytesPerJob: 256 * 1024,
  /** Above this, the pending events of every job are replaced by resyncs. */
  bytesInAll: 1024 * 1024,
  /** A connection that takes nothing for longer is closed; its client reconnects and resumes. */
  stuckMs: 30_000,
  bytesPerFrame: 64 * 1024,
  jobsPerListFrame: 200,
  snapshotsAtOnce: 16,
}
const retrySnapshotMs = 1_000

/**
 * Everything that one client watches, and the frames that wait for it. Socket.IO and streams would
 * queue without bounds for a client that stops reading. An outbox writes a frame only when the
 * previous one has been flushed, and bounds what waits meanwhile: newer progress replaces older,
 * and past a limit a job's events are marked stale. A stale job is watched again from a snapshot,
 * sent as a resync. So a client receives every state, row and note in order, or a resync that
 * covers it. A client that reads nothing for too long is disconnected.
 */
export class Outbox implements JobReader, WaitingReader {
  readonly #connection: Connection
  readonly #deps: OutboxDeps
  /** Whether the client knows the event `patch`. One that doesn't gets a resync in its place. */
  knowsPatches = false
  /** By job id, the next to be sent first. */
  readonly #pending = new Map<string, PendingEvents>()
  // These four are created on first use, so that an idle client takes little memory.
  #watched: Set<string> | null = null
  #lists: Map<ListName, ListFrame> | null = null
  /** By job id, the latest of what it waits for. */
  #waiting: Map<string, Waiting> | null = null
  /** By job id, the number of watches that are not acknowledged yet. */
  #holds: Map<string, number> | null = null
  #bytes = 0
  #snapshotsUnderWay = 0
  #stuckSince: number | null = null
  #closed = false

  constructor(connection: Connection, deps: OutboxDeps) {
    this.#connection = connection
    this.#deps = deps
    connection.onWritable(() => {
      this.#stuckSince = null
      this.#flush()
    })
  }

  event(event: LiveEvent): void {
    if (event.type === 'state') this.#waiting?.delete(event.jobId)
    if (event.type === 'patch' && !this.knowsPatches) {
      const pending = this.#pendingOf(event.jobId)
      if (pending.status === 'current') this.#markStale(pending)
      this.#flush()
      return
    }
    if (this.#pending.size === 0 && this.#mayWrite(event.jobId)) {
      this.#connection.events([event])
      return
    }
    const pending = this.#pendingOf(event.jobId)
    if (pending.status !== 'current') return
    const before = pending.bytes
    pending.add(event)
    this.#bytes += pending.bytes - before
    if (pending.bytes > limits.bytesPerJob) this.#markStale(pending)
    if (this.#bytes > limits.bytesInAll)
      for (const each of this.#pending.values()) if (each.bytes > 0) this.#markStale(each)
    this.#flush()
  }

  resync(job: Job): void {
    if (job.state !== 'new') this.#waiting?.delete(job.id)
    const pending = this.#pendingOf(job.id)
    if (pending.status !== 'current') return
    this.#markStale(pending)
    // If it can't be written now, don't keep the job: fetch it again when it can.
    if (this.#mayWrite(job.id)) pending.resumeFrom(job)
    this.#flush()
  }

  closed(jobId: string, code: 'not_found' | null): void {
    this.#watched?.delete(jobId)
    if (code === null) this.#deps.onEnded?.(jobId)
    else {
      this.forget(jobId)
      if (!this.#closed) this.#connection.revoked(jobId, code)
    }
    this.#flush()
  }

  /** Sends what a job waits for, in place of what it waited for before. */
  waiting(jobId: string, waiting: Waiting): void {
    if (this.#closed) return
    this.#waiting ??= new Map()
    this.#waiting.set(jobId, waiting)
    this.#flush()
  }

  /** Ids of the jobs that the client watches. */
  get watched(): Set<string> {
    this.#watched ??= new Set()
    return this.#watched
  }

  /** Sends a frame of a list, merged with an earlier one that still waits. */
  list(name: ListName, frame: ListFrame): void {
    this.#lists ??= new Map()
    const waiting = this.#lists.get(name)
    this.#lists.set(name, waiting ? waiting.mergeWith(frame, limits.jobsPerListFrame) : frame)
    this.#flush()
  }

  forgetList(name: ListName): void {
    this.#lists?.delete(name)
  }

  /** Sends nothing of these jobs until they are released: their watch is not acknowledged yet. */
  hold(jobIds: readonly string[]): void {
    this.#holds ??= new Map()
    for (const id of jobIds) this.#holds.set(id, (this.#holds.get(id) ?? 0) + 1)
  }

  release(jobIds: readonly string[]): void {
    for (const id of jobIds) {
      const holds = (this.#holds?.get(id) ?? 1) - 1
      if (holds === 0) this.#holds?.delete(id)
      else this.#holds?.set(id, holds)
    }
    this.#flush()
  }

  /** Drops the pending events of a job that is no longer watched. */
  forget(jobId: string): void {
    this.#bytes -= this.#pending.get(jobId)?.bytes ?? 0
    this.#pending.delete(jobId)
    this.#waiting?.delete(jobId)
  }

  /** Closes a connection that has taken nothing for too long. Call it every few seconds. */
  check(): void {
    if (this.#connection.writable) this.#stuckSince = null
    else this.#stuckSince ??= this.#deps.now()
    if (this.#stuckSince === null || this.#deps.now() - this.#stuckSince <= limits.stuckMs) return
    this.close()
    this.#connection.close()
  }

  close(): void {
    this.#closed = true
    this.#pending.clear()
    this.#lists = null
    this.#waiting = null
  }

  #mayWrite(jobId: string): boolean {
    return this.#connection.writable && !this.#closed && !this.#holds?.has(jobId)
  }

  #pendingOf(id: string): PendingEvents {
    const existing = this.#pending.get(id)
    if (existing) return existing
    const pending = new PendingEvents()
    if (!this.#closed) this.#pending.set(id, pending)
    return pending
  }

  #markStale(pending: PendingEvents): void {
    this.#bytes -= pending.bytes
    pending.markStale()
  }

  #flush(): void {
    while (!this.#closed && this.#connection.writable && this.#writeNext());
    if (!this.#closed && this.#pending.size === 0 && !this.#watched?.size)
      this.#connection.finished?.()
  }

  /** Writes one frame; returns false if there is nothing to write now. */
  #writeNext(): boolean {
    for (const [name, frame] of this.#lists ?? []) {
      this.#lists?.delete(name)
      this.#connection.list(name, frame)
      return true
    }
    const frame: LiveEvent[] = []
    let bytes = 0
    for (const [id, pending] of this.#pending) {
      if (this.#holds?.has(id)) continue
      if (pending.status === 'stale') this.#fetchSnapshot(id, pending)
      if (pending.status !== 'current') continue
      if (pending.resync) {
        // It needs a frame of its own, the next one.
        if (frame.length > 0) break
        const job = pending.resync
        pending.resync = null
        if (pending.empty) this.#pending.delete(id)
        this.#connection.resync(job)
        return true
      }
      const before = pending.bytes
      frame.push(...pending.take(limits.bytesPerFrame - bytes))
      bytes += before - pending.bytes
      this.#bytes -= before - pending.bytes
      // Events that did not fit go to the back of the queue, behind the other jobs.
      this.#pending.delete(id)
      if (pending.hasEvents) {
        this.#pending.set(id, pending)
        break
      }
    }
    if (frame.length > 0) this.#connection.events(frame)
    return frame.length > 0 || this.#writeWaiting()
  }

  #writeWaiting(): boolean {
    for (const [id, waiting] of this.#waiting ?? []) {
      if (this.#holds?.has(id)) continue
      this.#waiting?.delete(id)
      this.#connection.waiting(id, waiting)
      return true
    }
    return false
  }

  /** Watches the job again, because only its topic knows which events follow a snapshot. */
  #fetchSnapshot(id: string, pending: PendingEvents): void {
    if (this.#snapshotsUnderWay >= limits.snapshotsAtOnce) return
    this.#snapshotsUnderWay++
    pending.status = 'fetching'
    const stillWanted = () => this.#pending.get(id) === pending
    this.#deps.hub
      .watch(this, id, null, (reading) => {
        if (!stillWanted()) return false
        if (!reading) {
          this.closed(id, 'not_found')
          return false
        }
        this.watched.add(id)
        pending.resumeFrom(reading.state)
        return true
      })
      .catch(() => {
        // Redis is out of reach. Retry, because the job may have ended and send no further event.
        setTimeout(() => {
          if (stillWanted()) pending.status = 'stale'
          this.#flush()
        }, retrySnapshotMs)
      })
      .finally(() => {
        this.#snapshotsUnderWay--
        this.#flush()
      })
  }
}
