import { io, type Socket } from 'socket.io-client'
import type { z } from 'zod'
import { type ClientMessage, type ClientMessageName, Refusal, RevokedFrame } from '../frames.ts'
import type { ApiAddress } from './call-api.ts'

/** Brings one thing up to date over a new connection. Settles when it is. */
export type CatchUp = () => Promise<void>

/** There is no connection to send over; {@link LiveConnection.onConnected} runs on the next one. */
export class NotConnected extends Error {
  constructor() {
    super('There is no connection to the server.')
    this.name = 'NotConnected'
  }
}

export interface LiveConnectionOptions extends ApiAddress {
  /** `connected` or `behindSince` may have changed. */
  onChange?(): void
  /**
   * The server doesn't take us any more, and the connection is not made again.
   * @param code `unauthenticated`: sign in, or send another key. `forbidden`: the role has changed.
   */
  onRefused(code: string, message: string): void
  /** ms since 1970. */
  now?(): number
}

const handshakeTimeoutMs = 10_000
const answerTimeoutMs = 10_000
const retryAfterMs = 2_000
/** The server pings every 10 s. After a sleep a dead connection looks alive, so ask. */
const probeAfterSilenceMs = 12_000

/**
 * One Socket.IO connection to the server, made again whenever it is lost. The server forgets a
 * closed socket's watches, so everything that must be live registers a {@link CatchUp}, which runs
 * on each connection. Nothing here knows pages, jobs or frameworks.
 */
export class LiveConnection {
  readonly #socket: Socket
  readonly #options: LiveConnectionOptions
  readonly #now: () => number
  readonly #catchUps = new Set<CatchUp>()
  /** Catch-ups that have not finished on this connection. */
  readonly #behind = new Set<CatchUp>()
  #behindSince: number | null = null
  /** Counts connections: work begun on one is void on the next. */
  #generation = 0
  #lastHeardAt = 0
  #probing = false
  #closed = false
  #reconnecting: ReturnType<typeof setTimeout> | undefined

  constructor(options: LiveConnectionOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    const { origin, apiKey } = options
    this.#socket = io(origin || undefined, {
      transports: ['websocket'],
      timeout: handshakeTimeoutMs,
      reconnectionDelay: 300,
      reconnectionDelayMax: 5_000,
      randomizationFactor: 0.5,
      // A connection of its own: others of this program may come and go.
      forceNew: true,
      ...(apiKey === undefined ? {} : { auth: { apiKey } }),
    })
    this.#listen()
  }

  get connected(): boolean {
    return this.#socket.connected
  }

  /** Since when something has not been up to date, ms since 1970; null when all is. */
  get behindSince(): number | null {
    return this.#behindSince
  }

  /** Calls `read` with each frame of one event. A frame that can't be read is as good as lost. */
  onFrame(event: string, read: (frame: unknown) => void): void {
    this.#socket.on(event, (frame: unknown) => {
      try {
        read(frame)
      } catch (error) {
        console.error(`A frame of ${event} could not be read`, error)
        this.drop()
      }
    })
  }

  /** Runs `catchUp` on every connection, and at once if there is one. @returns how to stop that. */
  onConnected(catchUp: CatchUp): () => void {
    this.#catchUps.add(catchUp)
    if (this.connected) void this.#run([catchUp])
    return () => {
      this.#catchUps.delete(catchUp)
      this.#behind.delete(catchUp)
      this.#changed()
    }
  }

  /** Runs `catchUp` now if there is a connection, again if it fails; the next one starts afresh. */
  catchUpNow(catchUp: CatchUp): void {
    if (this.connected) void this.#run([catchUp])
  }

  /**
   * Sends a message and waits for its acknowledgement. A server that doesn't answer is taken for
   * lost: the connection is made again.
   * @throws {NotConnected} when nothing was sent; another error when no answer came
   */
  ask<Name extends ClientMessageName>(name: Name, message: ClientMessage<Name>): Promise<unknown> {
    const socket = this.#socket
    if (!socket.connected) return Promise.reject(new NotConnected())
    const asked = this.#generation
    // Not `emitWithAck`: its promise may resolve after the next frame has been read.
    return new Promise((resolve, reject) => {
      socket
        .timeout(answerTimeoutMs)
        .emit(name, message, (error: Error | null, answer: unknown) => {
          if (error === null) return resolve(answer)
          if (asked === this.#generation) this.drop()
          reject(error)
        })
    })
  }

  /** Sends a message that needs no answer; without a connection there is nothing to say. */
  tell<Name extends ClientMessageName>(name: Name, message: ClientMessage<Name>): void {
    if (this.connected) this.#socket.emit(name, message)
  }

  /** Closes the transport; a new connection follows. */
  drop(): void {
    if (this.connected) this.#socket.io.engine.close()
  }

  /** Checks that the connection is alive; until the answer comes, something is behind. */
  probe(): void {
    if (!this.connected) {
      this.#socket.disconnect().connect()
      return
    }
    if (this.#probing) return
    this.#probing = true
    this.catchUpNow(async () => {
      try {
        await this.ask('watch', { jobs: [] })
      } finally {
        this.#probing = false
      }
    })
  }

  /** Probes if the server has been silent for longer than its pings allow. Call it every second. */
  probeIfSilent(): void {
    if (this.connected && this.#now() - this.#lastHeardAt > probeAfterSilenceMs) this.probe()
  }

  get probing(): boolean {
    return this.#probing
  }

  /** Closes for good, which is no change that anyone hears of. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#reconnecting)
    this.#socket.disconnect()
  }

  #listen(): void {
    const socket = this.#socket
    socket.on('connect', () => {
      this.#generation++
      this.#behind.clear()
      void this.#run([...this.#catchUps])
    })
    socket.on('disconnect', (reason) => {
      // What was sent last would be sent again on the next connection, where all is asked afresh.
      socket.sendBuffer = []
      this.#changed()
      // Socket.IO doesn't reconnect by itself where the server closed the socket.
      if (reason === 'io server disconnect') this.#reconnectLater()
    })
    socket.on('connect_error', (error: Error & { data?: unknown }) => {
      const refusal = Refusal.safeParse(error.data)
      if (refusal.data?.code === 'unauthenticated') return this.#refused(refusal.data)
      this.#changed()
      if (!socket.active) this.#reconnectLater()
    })
    socket.on('revoked', (frame: unknown) => {
      const { data } = RevokedFrame.safeParse(frame)
      if (data && data.id === undefined)
        this.#refused({ code: data.code, message: 'The session has ended.' })
    })
    const heard = () => {
      this.#lastHeardAt = this.#now()
    }
    socket.io.on('ping', heard)
    socket.io.on('packet', heard)
    socket.io.on('open', heard)
  }

  #refused({ code, message }: z.infer<typeof Refusal>): void {
    this.#socket.io.reconnection(false)
    this.#options.onRefused(code, message)
  }

  /** At a random moment: whatever ended this connection ended those of others too. */
  #reconnectLater(): void {
    clearTimeout(this.#reconnecting)
    const waitMs = retryAfterMs * (0.5 + Math.random())
    this.#reconnecting = setTimeout(() => this.#socket.connect(), waitMs)
  }

  async #run(due: readonly CatchUp[]): Promise<void> {
    const generation = this.#generation
    const over = () => this.#generation !== generation || !this.connected
    for (const catchUp of due) this.#behind.add(catchUp)
    this.#changed()
    const results = await Promise.allSettled(due.map((catchUp) => catchUp()))
    // The next connection runs all of them again.
    if (over()) return
    const failed = due.filter((_, i) => results[i]?.status === 'rejected')
    for (const catchUp of due) if (!failed.includes(catchUp)) this.#behind.delete(catchUp)
    this.#changed()
    if (failed.length === 0) return
    setTimeout(() => {
      const stillBehind = failed.filter((catchUp) => this.#behind.has(catchUp))
      if (!over() && stillBehind.length > 0) void this.#run(stillBehind)
    }, retryAfterMs)
  }

  #changed(): void {
    if (this.#closed) return
    if (!this.connected || this.#behind.size === 0) this.#behindSince = null
    else this.#behindSince ??= this.#now()
    this.#options.onChange?.()
  }
}
