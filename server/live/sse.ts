import type { Job } from '#jobs/job.ts'
import type { Position } from '#jobs/position.ts'
import type { Principal } from '../accounts/authenticate.ts'
import type { Authorization } from './authorization.ts'
import type { Hub } from './hub.ts'
import type { LiveEvent } from './live-event.ts'
import { type Connection, Outbox } from './outbox.ts'

export interface EventStreamOptions {
  hub: Hub
  authorization: Authorization
  /** Who reads it. */
  principal: Principal
  /** The client's `Last-Event-ID`. */
  since: Position | null
  /** Ends the stream when the client is gone. */
  signal: AbortSignal
}

/** Twice within the shortest patience of usual proxies. */
const heartbeatMs = 15_000
/** So much is handed to the network before the outbox holds back. */
const bytesOnTheWay = 64 * 1024

/** `<epoch>:<seq>`, the id of an event in a stream; anything else means from the beginning. */
export function parseEventId(id: string | undefined): Position | null {
  const match = /^(.{1,64}):(\d{1,15})$/.exec(id ?? '')
  return match?.[1] === undefined ? null : { epoch: match[1], seq: Number(match[2]) }
}

/**
 * The events of one job as server-sent events: what happened so far, then each as it happens, to
 * the end.
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
        tellEvents(jobId, connection, options)
      },
      pull: () => connection.taken(),
      cancel: () => connection.giveUp(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: bytesOnTheWay }),
  )
}

function tellEvents(
  jobId: string,
  connection: StreamConnection,
  options: EventStreamOptions,
): void {
  const { hub, authorization, principal, since, signal } = options
  const outbox = new Outbox(connection, { hub, now: () => performance.now() })
  const leave = authorization.admit(principal, () => connection.giveUp())
  const heartbeat = setInterval(() => {
    connection.beat()
    outbox.check()
  }, heartbeatMs)
  connection.onClosed = () => {
    clearInterval(heartbeat)
    leave()
    hub.unwatch(outbox, jobId)
    outbox.close()
  }
  if (signal.aborted) {
    connection.giveUp()
    return
  }
  signal.addEventListener('abort', () => connection.giveUp(), { once: true })
  outbox.watched.add(jobId)
  hub
    .watch(outbox, jobId, since, (reading) => {
      if (!reading) {
        connection.giveUp()
        return false
      }
      connection.epoch = reading.state.epoch
      if (reading.mode === 'snapshot') connection.resync(reading.state)
      else connection.events(reading.events)
      return true
    })
    // Redis is out of reach: the client comes back.
    .catch(() => connection.giveUp())
}

/** Events as text, one stream's worth. */
class StreamConnection implements Connection {
  /** Under which the seqs of the events count. */
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

  /** The client has taken what was written. */
  taken(): void {
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

  revoked(): void {
    this.giveUp()
  }

  beat(): void {
    this.#send(': still here\n\n')
  }

  /** The end was told. */
  finished(): void {
    this.giveUp()
  }

  giveUp(): void {
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
