import type { Job } from '#jobs/job.ts'
import type { Position } from '#jobs/position.ts'
import type { Waiting } from '#jobs/waiting.ts'
import type { Principal } from '../accounts/authenticate.ts'
import type { Authorization } from './authorization.ts'
import type { Hub } from './hub.ts'
import type { LiveEvent } from './live-event.ts'
import { type Connection, Outbox } from './outbox.ts'
import { isKnown } from './watch-answer.ts'

export interface EventStreamOptions {
  hub: Hub
  authorization: Authorization
  principal: Principal
  /** The client's `Last-Event-ID`. */
  since: Position | null
  /** Whether to tell what the job waits for before it starts. */
  waiting: boolean
  /** Whether the client knows the event `patch`. */
  patches: boolean
  /** Aborted when the client disconnects; ends the stream. */
  signal: AbortSignal
}

/** Half the shortest idle timeout of common proxies. */
const heartbeatMs = 15_000
/** How much the stream buffers before the outbox waits. */
const maxBufferedBytes = 64 * 1024

/** Parses an event's id, `<epoch>:<seq>`. Null, for any other text, means from the beginning. */
export function parseEventId(id: string | undefined): Position | null {
  const match = /^(.{1,64}):(\d{1,15})$/.exec(id ?? '')
  return match?.[1] === undefined ? null : { epoch: match[1], seq: Number(match[2]) }
}

/**
 * The events of one job as server-sent events: first those so far, then each as it happens. The
 * stream ends after the job's last event, or when the client disconnects, stops reading or loses
 * its access.
 */
export function jobEventStream(
  jobId: string,
  options: EventStreamOptions,
): ReadableStream<Uint8Array> {
  let connection: StreamConnection
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        connection = new StreamConnection(controller)
        sendEvents(jobId, connection, options)
      },
      pull: () => connection.drained(),
      cancel: () => connection.close(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: maxBufferedBytes }),
  )
}

function sendEvents(
  jobId: string,
  connection: StreamConnection,
  options: EventStreamOptions,
): void {
  const { hub, authorization, principal, since, waiting, patches, signal } = options
  const outbox = new Outbox(connection, { hub, now: () => performance.now() })
  outbox.knowsPatches = patches
  const endAdmission = authorization.admit(principal, () => connection.close())
  const heartbeat = setInterval(() => {
    connection.beat()
    outbox.check()
  }, heartbeatMs)
  connection.onClosed = () => {
    clearInterval(heartbeat)
    endAdmission()
    hub.unwatch(outbox, jobId)
    hub.waiting.unwatch(outbox, jobId)
    outbox.close()
  }
  if (signal.aborted) {
    connection.close()
    return
  }
  signal.addEventListener('abort', () => connection.close(), { once: true })
  outbox.watched.add(jobId)
  hub
    .watch(outbox, jobId, since, (reading) => {
      if (!reading) {
        connection.close()
        return false
      }
      connection.epoch = reading.state.epoch
      if (reading.mode === 'snapshot' || !isKnown(reading, outbox)) connection.resync(reading.state)
      else connection.events(reading.events)
      if (waiting) hub.waiting.watch(outbox, reading.state)
      return true
    })
    // Redis is out of reach. The client will reconnect.
    .catch(() => connection.close())
}

/** Writes frames to an event stream as text. */
class StreamConnection implements Connection {
  /** The epoch of the events' seqs. */
  epoch = ''
  onClosed = () => {}
  readonly #controller: ReadableStreamDefaultController<Uint8Array>
  readonly #encoder = new TextEncoder()
  #open = true
  #onWritable = () => {}

  constructor(controller: ReadableStreamDefaultController<Uint8Array>) {
    this.#controller = controller
  }

  get writable(): boolean {
    return this.#open && (this.#controller.desiredSize ?? 0) > 0
  }

  onWritable(callback: () => void): void {
    this.#onWritable = callback
  }

  /** The stream's buffer has room again. */
  drained(): void {
    this.#onWritable()
  }

  events(events: readonly LiveEvent[]): void {
    this.#send(events.map(({ type, seq, data }) => this.#event(type, seq, data)).join(''))
  }

  resync(job: Job): void {
    const { id, epoch, seq } = job
    this.epoch = epoch
    this.#send(this.#event('resync', seq, JSON.stringify({ id, epoch, seq, job })))
  }

  list(): void {}

  waiting(_jobId: string, waiting: Waiting): void {
    this.#send(this.#event('waiting', null, JSON.stringify(waiting)))
  }

  revoked(): void {
    this.close()
  }

  beat(): void {
    this.#send(': still here\n\n')
  }

  finished(): void {
    this.close()
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.onClosed()
    this.#controller.close()
  }

  #event(type: string, seq: number | null, data: string): string {
    return `${seq === null ? '' : `id: ${this.epoch}:${seq}\n`}event: ${type}\ndata: ${data}\n\n`
  }

  #send(text: string): void {
    if (this.#open) this.#controller.enqueue(this.#encoder.encode(text))
  }
}
