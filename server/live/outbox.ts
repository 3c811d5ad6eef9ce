import type { Job, JobSummary } from '#jobs/job.ts'
import type { JobReader, LiveEvent } from './live-event.ts'

/** One client's connection. */
export interface Connection {
  /** Whether the frame before has left. */
  readonly writable: boolean
  write(data: string): void
  /** Calls back each time that a frame has left. */
  onWritable(callback: () => void): void
}

export interface OutboxDeps {
  /** The job as it is now; null when it is gone. */
  snapshot(jobId: string): Promise<Job | null>
  /** The reader at the other end takes nothing any more, or too slowly. */
  onTooSlow(why: string): void
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
  /** Too much had gathered: the job is to be read as a whole, or is being read. */
  reading: 'no' | 'wanted' | 'under_way'
}

interface ListQueue {
  changed: Map<string, JobSummary>
  removed: Set<string>
  counts: unknown
}

const limits = {
  /** Past this, a job's events give way to one resync. */
  bytesPerJob: 256 * 1024,
  /** Past these, the socket is closed: its client comes back and resumes by seq. */
  bytesInAll: 1024 * 1024,
  stuckMs: 30_000,
  bytesPerFrame: 64 * 1024,
}

/**
 * What waits to be sent to one socket. Socket.IO would queue without bounds for a client that stopped reading; here a frame is written
 * only when the one before has left. Meanwhile progress is replaced by newer progress; states, rows and notes are never dropped.
 */
export class Outbox implements JobReader {
  readonly #connection: Connection
  readonly #deps: OutboxDeps
  readonly #jobs = new Map<string, JobQueue>()
  readonly #lists = new Map<string, ListQueue>()
  readonly #held = new Set<string>()
  #stuckSince: number | null = null
  #scheduled = false
  #closed = false

  constructor(connection: Connection, deps: OutboxDeps) {
    this.#connection = connection
    this.#deps = deps
    connection.onWritable(() => {
      this.#stuckSince = null
      this.#schedule()
    })
  }

  event(event: LiveEvent): void {
    const queue = this.#queueOf(event.jobId)
    if (event.seq === null) {
      queue.progress = event
    } else {
      // A state is an ending or a new attempt: progress from before it is void.
      if (event.type === 'state') queue.progress = null
      queue.events.push(event)
      queue.bytes += event.data.length
      if (queue.bytes > limits.bytesPerJob) {
        queue.events = []
        queue.bytes = 0
        if (queue.reading === 'no') queue.reading = 'wanted'
      }
    }
    this.#schedule()
  }

  resync(job: Job): void {
    const queue = this.#queueOf(job.id)
    queue.events = []
    queue.bytes = 0
    queue.progress = null
    queue.resync = job
    this.#schedule()
  }

  closed(jobId: string, code: 'not_found' | null): void {
    if (code === null) return
    this.forget(jobId)
    this.#write('revoked', JSON.stringify({ id: jobId, code }))
  }

  /** Nothing of these jobs leaves until they are released: their watch is not acknowledged yet. */
  hold(jobIds: readonly string[]): void {
    for (const id of jobIds) this.#held.add(id)
  }

  release(jobIds: readonly string[]): void {
    for (const id of jobIds) this.#held.delete(id)
    this.#schedule()
  }

  /** Drops what waits of a job that is no longer watched. */
  forget(jobId: string): void {
    this.#jobs.delete(jobId)
  }

  /** Changes of a list: per job the last one wins. */
  list(name: 'jobs' | 'feed', changed: readonly JobSummary[], removed: readonly string[], counts?: unknown): void {
    const queue = this.#lists.get(name) ?? { changed: new Map(), removed: new Set(), counts: undefined }
    this.#lists.set(name, queue)
    for (const job of changed) {
      queue.changed.set(job.id, job)
      queue.removed.delete(job.id)
    }
    for (const id of removed) {
      queue.changed.delete(id)
      queue.removed.add(id)
    }
    queue.counts = counts
    this.#schedule()
  }

  forgetList(name: 'jobs' | 'feed'): void {
    this.#lists.delete(name)
  }

  /** Closes sockets whose reader has taken nothing for too long; to be called now and then. */
  check(): void {
    if (this.#stuckSince !== null && this.#deps.now() - this.#stuckSince > limits.stuckMs) this.#tooSlow('nothing taken for 30 s')
  }

  close(): void {
    this.#closed = true
    this.#jobs.clear()
    this.#lists.clear()
  }

  #queueOf(id: string): JobQueue {
    const queue = this.#jobs.get(id) ?? { events: [], bytes: 0, progress: null, resync: null, reading: 'no' }
    this.#jobs.set(id, queue)
    return queue
  }

  /** Once per tick: what one burst of messages brings leaves in one frame. */
  #schedule(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#closed) return
    if (!this.#connection.writable) {
      this.#stuckSince ??= this.#deps.now()
      let bytes = 0
      for (const queue of this.#jobs.values()) bytes += queue.bytes
      if (bytes > limits.bytesInAll) this.#tooSlow('more than 1 MB waits')
      return
    }
    for (const [name, { changed, removed, counts }] of this.#lists) {
      this.#lists.delete(name)
      this.#write(name, JSON.stringify({ changed: [...changed.values()], removed: [...removed], ...(counts ? { counts } : {}) }))
    }
    const frame: string[] = []
    let bytes = 0
    for (const [id, queue] of this.#jobs) {
      if (bytes > limits.bytesPerFrame) break
      if (this.#held.has(id)) continue
      if (queue.reading === 'wanted') this.#readAgain(id, queue)
      if (queue.reading === 'under_way') continue
      if (queue.resync) {
        const job = queue.resync
        queue.resync = null
        queue.events = queue.events.filter((event) => event.seq !== null && event.seq > job.seq)
        this.#write('resync', JSON.stringify({ id, epoch: job.epoch, seq: job.seq, job }))
      }
      while (queue.events.length > 0 && bytes <= limits.bytesPerFrame) {
        const event = queue.events.shift()
        if (!event) break
        frame.push(event.encoded)
        bytes += event.data.length
        queue.bytes -= event.data.length
      }
      if (queue.events.length > 0) break
      if (queue.progress) frame.push(queue.progress.encoded)
      this.#jobs.delete(id)
    }
    if (frame.length > 0) this.#write('events', `[${frame.join(',')}]`)
    // The rest goes when this has left.
  }

  #readAgain(id: string, queue: JobQueue): void {
    queue.reading = 'under_way'
    this.#deps.snapshot(id).then(
      (job) => {
        if (this.#jobs.get(id) !== queue) return
        queue.reading = 'no'
        if (job) queue.resync = job
        else this.closed(id, 'not_found')
        this.#schedule()
      },
      () => {
        // Redis is out of reach: the next event, heal or reconnect asks again.
        queue.reading = 'wanted'
      },
    )
  }

  /** A Socket.IO event packet of the default namespace, already JSON: built once per frame instead of encoded again. */
  #write(event: string, json: string): void {
    this.#connection.write(`2["${event}",${json}]`)
  }

  #tooSlow(why: string): void {
    this.close()
    this.#deps.onTooSlow(why)
  }
}
