import type { Job } from '#jobs/job.ts'
import type { JobReader } from './hub.ts'
import type { ListFrame, ListName } from './list-frame.ts'
import type { LiveEvent } from './live-event.ts'

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
  /** All that waited has been written. */
  emptied?(): void
}

export interface OutboxDeps {
  /** The job as it is now; null when it is gone. */
  snapshot(jobId: string): Promise<Job | null>
  now(): number
}

interface JobQueue {
  /** Durable events in order. */
  events: LiveEvent[]
  bytes: number
  /** The latest only. */
  progress: LiveEvent | null
  /** The job as a whole, to be sent before the events that follow it. */
  resync: Job | null
  /** `stale`: too much had gathered, so the job is to be read as a whole; `reading`: it is being read. */
  standing: 'current' | 'stale' | 'reading'
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
 * What waits to be sent to one client. Socket.IO and streams would queue without bounds for a client that stopped reading; here a frame is
 * written only when the one before has left, and what gathers meanwhile is bounded: progress is replaced by newer progress, and too many
 * events by the job as it is then. No state, row or note is ever dropped without that.
 */
export class Outbox implements JobReader {
  readonly #connection: Connection
  readonly #deps: OutboxDeps
  readonly #jobs = new Map<string, JobQueue>()
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
    if (this.#jobs.size === 0 && this.#mayWrite(event.jobId)) {
      this.#connection.events([event])
      return
    }
    const queue = this.#queueOf(event.jobId)
    // It will be read as a whole, this event with it.
    if (queue.standing === 'stale') return
    if (event.seq === null) {
      queue.progress = event
    } else {
      // A state is an ending or a new attempt: progress from before it is void.
      if (event.type === 'state') queue.progress = null
      queue.events.push(event)
      queue.bytes += event.data.length
      this.#bytes += event.data.length
      if (queue.bytes > limits.bytesPerJob) this.#giveUpEvents(queue)
      if (this.#bytes > limits.bytesInAll) for (const each of this.#jobs.values()) if (each.bytes > 0) this.#giveUpEvents(each)
    }
    this.#flush()
  }

  resync(job: Job): void {
    const queue = this.#queueOf(job.id)
    this.#giveUpEvents(queue)
    // For one that must wait the job is not kept, but read when its turn comes.
    if (this.#mayWrite(job.id)) {
      queue.standing = 'current'
      queue.resync = job
    }
    this.#flush()
  }

  closed(jobId: string, code: 'not_found' | null): void {
    if (code === null) return
    this.forget(jobId)
    if (!this.#closed) this.#connection.revoked(jobId, code)
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
    this.#bytes -= this.#jobs.get(jobId)?.bytes ?? 0
    this.#jobs.delete(jobId)
  }

  get empty(): boolean {
    return this.#jobs.size === 0 && (this.#lists?.size ?? 0) === 0
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
    this.#jobs.clear()
    this.#lists = null
  }

  #mayWrite(jobId: string): boolean {
    return this.#connection.writable && !this.#closed && !this.#held?.has(jobId)
  }

  #queueOf(id: string): JobQueue {
    const held = this.#jobs.get(id)
    if (held) return held
    const queue: JobQueue = { events: [], bytes: 0, progress: null, resync: null, standing: 'current' }
    if (!this.#closed) this.#jobs.set(id, queue)
    return queue
  }

  /** The job is to be read as a whole. One that is being read right now is read once more. */
  #giveUpEvents(queue: JobQueue): void {
    this.#bytes -= queue.bytes
    queue.events = []
    queue.bytes = 0
    queue.progress = null
    queue.resync = null
    queue.standing = 'stale'
  }

  #flush(): void {
    while (!this.#closed && this.#connection.writable && this.#writeNext());
    if (this.empty && !this.#closed) this.#connection.emptied?.()
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
    for (const [id, queue] of this.#jobs) {
      if (this.#held?.has(id)) continue
      if (queue.standing === 'stale') this.#readWhole(id, queue)
      if (queue.standing !== 'current') continue
      if (queue.resync) {
        // In a frame of its own, the next one.
        if (frame.length > 0) break
        const job = queue.resync
        queue.resync = null
        if (queue.events.length === 0 && !queue.progress) this.#jobs.delete(id)
        this.#connection.resync(job)
        return true
      }
      const taken = takeUpTo(queue, limits.bytesPerFrame - bytes)
      frame.push(...taken.events)
      bytes += taken.bytes
      this.#bytes -= taken.bytes
      // What did not fit goes behind the other jobs.
      this.#jobs.delete(id)
      if (queue.events.length > 0) {
        this.#jobs.set(id, queue)
        break
      }
      if (queue.progress) frame.push(queue.progress)
    }
    if (frame.length > 0) this.#connection.events(frame)
    return frame.length > 0
  }

  #readWhole(id: string, queue: JobQueue): void {
    if (this.#reading >= limits.readAtOnce) return
    this.#reading++
    queue.standing = 'reading'
    const isWaiting = () => this.#jobs.get(id) === queue && queue.standing === 'reading'
    this.#deps
      .snapshot(id)
      .then(
        (job) => {
          if (!isWaiting()) return
          if (!job) {
            this.closed(id, 'not_found')
            return
          }
          queue.standing = 'current'
          queue.resync = job
          const follow = queue.events.filter(({ seq }) => seq !== null && seq > job.seq)
          this.#bytes -= queue.bytes
          queue.events = follow
          queue.bytes = follow.reduce((sum, { data }) => sum + data.length, 0)
          this.#bytes += queue.bytes
        },
        () => {
          // Redis is out of reach. Nothing else may ever remind us of this job: it may have ended.
          setTimeout(() => {
            if (isWaiting()) queue.standing = 'stale'
            this.#flush()
          }, readAgainMs)
        },
      )
      .finally(() => {
        this.#reading--
        this.#flush()
      })
  }
}

/** Takes events from the front of a queue until there are so many bytes. */
function takeUpTo(queue: JobQueue, most: number): { events: LiveEvent[]; bytes: number } {
  let bytes = 0
  let count = 0
  for (const { data } of queue.events) {
    if (bytes >= most) break
    bytes += data.length
    count++
  }
  queue.bytes -= bytes
  return { events: queue.events.splice(0, count), bytes }
}
