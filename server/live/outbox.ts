import type { Job } from '#jobs/job.ts'
import type { Hub, JobReader } from './hub.ts'
import type { ListFrame, ListName } from './list-frame.ts'
import type { LiveEvent } from './live-event.ts'
import { PendingEvents } from './pending-events.ts'

/** One client's connection: a socket or an event stream. Each call writes one frame. */
export interface Connection {
  /** Whether the frame before has left. */
  readonly writable: boolean
  /** Calls back each time that it becomes writable. */
  onWritable(callback: () => void): void
  events(events: readonly LiveEvent[]): void
  resync(job: Job): void
  list(name: ListName, frame: ListFrame): void
  revoked(jobId: string, code: 'not_found'): void
  /** The reader at the other end takes nothing any more: ends the connection. */
  giveUp(): void
  /** All that waited has been written, and nothing is watched any more. */
  finished?(): void
}

export interface OutboxDeps {
  hub: Pick<Hub, 'watch'>
  now(): number
}

const limits = {
  /** Past this, a job's events give way to one resync. */
  bytesPerJob: 256 * 1024,
  /** Past this, all events that wait give way to resyncs. */
  bytesInAll: 1024 * 1024,
  /** Past this, the connection is closed: its client comes back and resumes by seq. */
  stuckMs: 30_000,
  bytesPerFrame: 64 * 1024,
  rowsOfAList: 200,
  readAtOnce: 16,
}
const readAgainMs = 1_000

/**
 * What a client watches, and what waits to be sent to it. Socket.IO and streams would queue without
 * bounds for a client that stopped reading; here a frame is written only when the one before has
 * left, and what gathers meanwhile is bounded: progress is replaced by newer progress, and too many
 * events by the job as it is then. No state, row or note is ever dropped without that.
 */
export class Outbox implements JobReader {
  readonly #connection: Connection
  readonly #deps: OutboxDeps
  readonly #queues = new Map<string, PendingEvents>()
  #watched: Set<string> | null = null
  #lists: Map<ListName, ListFrame> | null = null
  /** Watches under way, by job. */
  #held: Map<string, number> | null = null
  #bytes = 0
  #reading = 0
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
    if (this.#queues.size === 0 && this.#mayWrite(event.jobId)) {
      this.#connection.events([event])
      return
    }
    const queue = this.#queueOf(event.jobId)
    if (queue.standing !== 'current') return
    const before = queue.bytes
    queue.add(event)
    this.#bytes += queue.bytes - before
    if (queue.bytes > limits.bytesPerJob) this.#giveUp(queue)
    if (this.#bytes > limits.bytesInAll)
      for (const each of this.#queues.values()) if (each.bytes > 0) this.#giveUp(each)
    this.#flush()
  }

  resync(job: Job): void {
    const queue = this.#queueOf(job.id)
    if (queue.standing !== 'current') return
    this.#giveUp(queue)
    // For one that must wait the job is not kept, but read when its turn comes.
    if (this.#mayWrite(job.id)) queue.takeOver(job)
    this.#flush()
  }

  closed(jobId: string, code: 'not_found' | null): void {
    this.#watched?.delete(jobId)
    if (code !== null) {
      this.forget(jobId)
      if (!this.#closed) this.#connection.revoked(jobId, code)
    }
    this.#flush()
  }

  /** The jobs that this client watches. */
  get watched(): Set<string> {
    this.#watched ??= new Set()
    return this.#watched
  }

  /** A change of a list; behind a frame that has not left, per job the last one wins. */
  list(name: ListName, frame: ListFrame): void {
    this.#lists ??= new Map()
    const waiting = this.#lists.get(name)
    this.#lists.set(name, waiting ? waiting.with(frame, limits.rowsOfAList) : frame)
    this.#flush()
  }

  forgetList(name: ListName): void {
    this.#lists?.delete(name)
  }

  /** Nothing of these jobs leaves until they are released: their watch is not acknowledged yet. */
  hold(jobIds: readonly string[]): void {
    this.#held ??= new Map()
    for (const id of jobIds) this.#held.set(id, (this.#held.get(id) ?? 0) + 1)
  }

  release(jobIds: readonly string[]): void {
    for (const id of jobIds) {
      const holds = (this.#held?.get(id) ?? 1) - 1
      if (holds === 0) this.#held?.delete(id)
      else this.#held?.set(id, holds)
    }
    this.#flush()
  }

  /** Drops what waits of a job that is no longer watched. */
  forget(jobId: string): void {
    this.#bytes -= this.#queues.get(jobId)?.bytes ?? 0
    this.#queues.delete(jobId)
  }

  /** Gives a connection up that has taken nothing for too long; to be called every few seconds. */
  check(): void {
    if (this.#connection.writable) this.#stuckSince = null
    else this.#stuckSince ??= this.#deps.now()
    if (this.#stuckSince === null || this.#deps.now() - this.#stuckSince <= limits.stuckMs) return
    this.close()
    this.#connection.giveUp()
  }

  close(): void {
    this.#closed = true
    this.#queues.clear()
    this.#lists = null
  }

  #mayWrite(jobId: string): boolean {
    return this.#connection.writable && !this.#closed && !this.#held?.has(jobId)
  }

  #queueOf(id: string): PendingEvents {
    const held = this.#queues.get(id)
    if (held) return held
    const queue = new PendingEvents()
    if (!this.#closed) this.#queues.set(id, queue)
    return queue
  }

  #giveUp(queue: PendingEvents): void {
    this.#bytes -= queue.bytes
    queue.giveUp()
  }

  #flush(): void {
    while (!this.#closed && this.#connection.writable && this.#writeNext());
    if (!this.#closed && this.#queues.size === 0 && !this.#watched?.size)
      this.#connection.finished?.()
  }

  /** Writes one frame; false when there is nothing that may be written now. */
  #writeNext(): boolean {
    for (const [name, frame] of this.#lists ?? []) {
      this.#lists?.delete(name)
      this.#connection.list(name, frame)
      return true
    }
    const frame: LiveEvent[] = []
    let bytes = 0
    for (const [id, queue] of this.#queues) {
      if (this.#held?.has(id)) continue
      if (queue.standing === 'stale') this.#watchAnew(id, queue)
      if (queue.standing !== 'current') continue
      if (queue.resync) {
        // In a frame of its own, the next one.
        if (frame.length > 0) break
        const job = queue.resync
        queue.resync = null
        if (queue.empty) this.#queues.delete(id)
        this.#connection.resync(job)
        return true
      }
      const before = queue.bytes
      frame.push(...queue.take(limits.bytesPerFrame - bytes))
      bytes += before - queue.bytes
      this.#bytes -= before - queue.bytes
      // What did not fit goes behind the other jobs.
      this.#queues.delete(id)
      if (queue.hasEvents) {
        this.#queues.set(id, queue)
        break
      }
    }
    if (frame.length > 0) this.#connection.events(frame)
    return frame.length > 0
  }

  /** The topic alone knows which events follow a snapshot, so it is asked for both. */
  #watchAnew(id: string, queue: PendingEvents): void {
    if (this.#reading >= limits.readAtOnce) return
    this.#reading++
    queue.standing = 'reading'
    const stillWanted = () => this.#queues.get(id) === queue
    this.#deps.hub
      .watch(this, id, null, (reading) => {
        if (!stillWanted()) return false
        if (!reading) {
          this.closed(id, 'not_found')
          return false
        }
        this.watched.add(id)
        queue.takeOver(reading.state)
        return true
      })
      .catch(() => {
        // Redis is out of reach. Nothing else may ever remind us of this job: it may have ended.
        setTimeout(() => {
          if (stillWanted()) queue.standing = 'stale'
          this.#flush()
        }, readAgainMs)
      })
      .finally(() => {
        this.#reading--
        this.#flush()
      })
  }
}
