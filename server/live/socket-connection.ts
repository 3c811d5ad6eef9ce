import type { Socket } from 'socket.io'
import type { Job } from '#jobs/job.ts'
import type { ListFrame, ListName } from './list-frame.ts'
import type { LiveEvent } from './live-event.ts'
import type { Connection } from './outbox.ts'
import type { SharedFrame } from './shared-frame.ts'

/**
 * Past Socket.IO's own buffer, which has no bounds: straight to its transport, one frame at a time.
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
    // The transport's own `drain` comes before it is writable again, and the connection's as soon
    // as a frame is handed over.
    this.#conn.transport.on('ready', callback)
  }

  /** Resolves when the frame before has left; never, should the connection break before. */
  async drained(): Promise<void> {
    if (!this.writable)
      await new Promise<void>((resolve) => this.#conn.transport.once('ready', () => resolve()))
  }

  events(events: readonly LiveEvent[]): void {
    const [first] = events
    if (first && events.length === 1) this.#share(first.frame)
    else this.#write('events', `[${events.map(({ encoded }) => encoded).join(',')}]`)
  }

  resync(job: Job): void {
    const { id, epoch, seq } = job
    this.#write('resync', JSON.stringify({ id, epoch, seq, job }))
  }

  list(name: ListName, frame: ListFrame): void {
    this.#share(frame.as(name))
  }

  revoked(id: string, code: string): void {
    this.#write('revoked', JSON.stringify({ id, code }))
  }

  giveUp(): void {
    this.#conn.close()
  }

  /** A Socket.IO event packet of the default namespace, its JSON made once. */
  #write(event: string, json: string): void {
    this.#conn.write(`2["${event}",${json}]`)
  }

  #share({ packet, options }: SharedFrame): void {
    this.#conn.write(packet, options)
  }
}
