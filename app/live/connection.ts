import { io, type Socket } from 'socket.io-client'
import { Refusal, RevokedFrame } from '#protocol/frames.ts'
import { type ConnectionStatus, statusOf, unseenMs } from './connection-status.ts'
import { goToSignIn, renderAnew } from './leave-page.ts'
import { signal } from './store.ts'

/** Somebody who must catch up whenever the connection is there again. Settles when it has. */
type CatchUp = () => Promise<void>

/** There is no connection to ask over; whoever has to know is called by {@link onConnected}. */
export class NotConnected extends Error {
  constructor() {
    super('There is no connection to the server.')
    this.name = 'NotConnected'
  }
}

const handshakeWithinMs = 10_000
const answerWithinMs = 10_000
const retryAfterMs = 2_000
/**
 * The server pings every 10 s. Silent for longer, it is asked whether it is there: after a sleep a
 * dead connection looks alive.
 */
const silentForMs = 12_000
const lookEveryMs = 1_000

const status = signal<ConnectionStatus>('connecting')
export const connectionStatus = { read: status.read, subscribe: status.subscribe }

let socket: Socket | null = null
/** Counts connections: what was begun on one is void on the next. */
let life = 0
let wasLive = false
let lostAt = 0
let heardAt = 0
const catchUps = new Set<CatchUp>()
/** Those that have not caught up yet: while there is one, nobody may say that the page is live. */
const behind = new Set<CatchUp>()
let behindSince: number | null = null
const frameReaders = new Map<string, (frame: unknown) => void>()

/** What is done with the frames of one kind. Said once, when a store begins to listen. */
export function onFrame(event: string, read: (frame: unknown) => void): void {
  if (frameReaders.has(event)) return
  frameReaders.set(event, read)
  if (socket) listen(socket, event, read)
}

/**
 * Calls `catchUp` on every connection, beginning with this one if it is there. Answers how to stop
 * that.
 */
export function onConnected(catchUp: CatchUp): () => void {
  catchUps.add(catchUp)
  if (connect().connected) void run([catchUp])
  return () => {
    catchUps.delete(catchUp)
    behind.delete(catchUp)
    judge()
  }
}

/**
 * Catches up once if there is a connection; without one, {@link onConnected} comes round. Tries
 * again when it fails.
 */
export function catchUpNow(catchUp: CatchUp): void {
  if (socket?.connected) void run([catchUp])
}

/**
 * Asks the server over the socket. A server that does not answer is taken for lost: the connection
 * is made anew.
 * @throws {NotConnected} when nothing was asked; otherwise when there is no answer
 */
export function ask(event: string, message: unknown): Promise<unknown> {
  const open = socket
  if (!open?.connected) return Promise.reject(new NotConnected())
  return new Promise((resolve, reject) => {
    open.timeout(answerWithinMs).emit(event, message, (error: Error | null, answer: unknown) => {
      if (error === null) return resolve(answer)
      if (open.connected) open.io.engine.close()
      reject(error)
    })
  })
}

/**
 * Says something that needs no answer. Without a connection it is not said: the server has
 * forgotten us anyway.
 */
export function tell(event: string, message: unknown): void {
  if (socket?.connected) socket.emit(event, message)
}

/** One connection per tab, made when it is first needed and kept. */
function connect(): Socket {
  if (socket) return socket
  const made = io({
    transports: ['websocket'],
    timeout: handshakeWithinMs,
    reconnectionDelay: 300,
    reconnectionDelayMax: 5_000,
    randomizationFactor: 0.5,
  })
  socket = made
  lostAt = Date.now()
  for (const [event, read] of frameReaders) listen(made, event, read)
  made.on('connect', () => {
    life++
    behind.clear()
    void run([...catchUps])
  })
  made.on('disconnect', (reason) => {
    // What was said in its last moment would be said again on the next connection, where all is
    // asked anew.
    made.sendBuffer = []
    lostAt = Date.now()
    judge()
    // Socket.IO does not try again by itself where the server ended it.
    if (reason === 'io server disconnect') connectLater(made)
  })
  made.on('connect_error', (error) => {
    const refusal = Refusal.safeParse(error)
    if (refusal.success && refusal.data.data.code === 'unauthenticated') return leave(goToSignIn)
    judge()
    if (!made.active) connectLater(made)
  })
  made.on('revoked', (frame: unknown) => {
    const revoked = RevokedFrame.safeParse(frame)
    if (!revoked.success || revoked.data.id !== undefined) return
    leave(revoked.data.code === 'forbidden' ? renderAnew : goToSignIn)
  })
  made.io.on('ping', heard)
  made.io.on('packet', heard)
  made.io.on('open', heard)
  lookOut(made)
  return made
}

/**
 * A frame that can't be read is as good as a lost one: the next connection tells anew what it said.
 */
function listen(to: Socket, event: string, read: (frame: unknown) => void): void {
  to.on(event, (frame: unknown) => {
    try {
      read(frame)
    } catch (error) {
      console.error(`A frame of ${event} could not be read`, error)
      to.io.engine.close()
    }
  })
}

/**
 * What the browser knows and Socket.IO does not ask: the network, sleep, and whether anybody looks.
 */
function lookOut(made: Socket): void {
  const atOnce = () => (made.connected ? makeSure() : made.disconnect().connect())
  window.addEventListener('online', () => {
    // What was asked while there was no network may never be answered.
    if (made.connected && makingSure) made.io.engine.close()
    else atOnce()
  })
  window.addEventListener('offline', () => {
    if (made.connected) makeSure()
    judge()
  })
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') atOnce()
  })
  setInterval(() => {
    if (made.connected && Date.now() - heardAt > silentForMs) makeSure()
    judge()
  }, lookEveryMs)
}

let makingSure = false
/** Asks something small; until the answer is here the page does not say that it is live. */
function makeSure(): void {
  if (makingSure) return
  makingSure = true
  catchUpNow(async () => {
    try {
      await ask('watch', { jobs: [] })
    } finally {
      makingSure = false
    }
  })
}

function heard(): void {
  heardAt = Date.now()
}

/** Not all at the same moment: whatever ended this connection ended those of others too. */
function connectLater(made: Socket): void {
  setTimeout(() => made.connect(), retryAfterMs * (0.5 + Math.random()))
}

function leave(how: () => void): void {
  socket?.io.reconnection(false)
  how()
}

async function run(due: readonly CatchUp[]): Promise<void> {
  const current = life
  const over = () => life !== current || !socket?.connected
  for (const catchUp of due) behind.add(catchUp)
  judge()
  const results = await Promise.allSettled(due.map((catchUp) => catchUp()))
  // On the next connection all of them run again.
  if (over()) return
  const failed = due.filter((_, i) => results[i]?.status === 'rejected')
  for (const catchUp of due) if (!failed.includes(catchUp)) behind.delete(catchUp)
  judge()
  if (failed.length === 0) return
  setTimeout(() => {
    const still = failed.filter((catchUp) => behind.has(catchUp))
    if (!over() && still.length > 0) void run(still)
  }, retryAfterMs)
}

function judge(): void {
  const now = Date.now()
  const connected = socket?.connected ?? false
  if (!connected || behind.size === 0) behindSince = null
  else if (behindSince === null) {
    behindSince = now
    setTimeout(judge, unseenMs)
  }
  const behindForMs = behindSince === null ? null : now - behindSince
  // So short that nobody sees a difference: nothing is said, or every look at another page would
  // flicker.
  if (connected && status.read() === 'live' && behindForMs !== null && behindForMs < unseenMs)
    return
  status.set(
    statusOf({
      connected,
      behindForMs,
      lostForMs: now - lostAt,
      online: navigator.onLine,
      wasLive,
    }),
  )
  if (status.read() === 'live') wasLive = true
}
