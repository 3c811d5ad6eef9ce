import type { Socket } from 'socket.io'
import type { Job } from '#jobs/job.ts'
import type { Waiting } from '#jobs/waiting.ts'
import type { ListFrame, ListName } from './list-frame.ts'
import type { LiveEvent } from './live-event.ts'
import type { Connection } from './outbox.ts'
import type { SharedFrame } from './shared-frame.ts'

/**
 * Writes frames to a socket's transport directly, bypassing Socket.IO's unbounded buffer. Its user
 * writes the next frame once the previous one has been flushed.
 */
export class SocketConnection implements Connection {
  readonly #conn: Socket['conn']

  constructor({ conn }: Socket) {
    this.#conn = conn
  }

  get writable(): boolean {
    return this.#conn.transport.writable
  }

  onWritable(callback: () => void): void {
    // Not `drain`: the transport emits it before it is writable again, and the connection as soon
    // as a frame is handed over.
    this.#conn.transport.on('ready', callback)
  }

  /** Resolves when the previous frame has been flushed; never, if the connection breaks first. */
  async drained(): Promise<void> {
    if (!this.writable)
      await new Promise<void>((resolve) => this.#conn.transport.once('ready', () => resolve()))
  }

  events(events: readonly LiveEvent[]): void {
    const [first] = events
    if (first && events.length === 1) this.#writeShared(first.frame)
    else this.#write('events', `[${events.map(({ encoded }) => encoded).join(',')}]`)
  }

  resync(job: Job): void {
    const { id, epoch, seq } = job
    this.#write('resync', JSON.stringify({ id, epoch, seq, job }))
  }

  list(name: ListName, frame: ListFrame): void {
    this.#writeShared(frame.encodeAs(name))
  }

  waiting(id: string, waiting: Waiting): void {
    this.#write('waiting', JSON.stringify({ id, ...waiting }))
  }

  revoked(id: string, code: string): void {
    this.#write('revoked', JSON.stringify({ id, code }))
  }

  close(): void {
    this.#conn.close()
  }

  /** Writes a Socket.IO event packet of the default namespace. */
  #write(event: string, json: string): void {
    this.#conn.write(`2["${event}",${json}]`)
  }

  #writeShared({ packet, options }: SharedFrame): void {
    this.#conn.write(packet, options)
  }
}
