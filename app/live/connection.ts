import { io, type Socket } from 'socket.io-client'
import { Refusal, RevokedFrame } from './frames.ts'
import { signal } from './signal.ts'

/**
 * `live`: connected, and everything that is watched is up to date. `connecting`: not yet, for the first time.
 * `reconnecting`: it was lost and is being tried again. `offline`: there is no network, or nobody has answered for a while.
 */
export type ConnectionStatus = 'connecting' | 'live' | 'reconnecting' | 'offline'

/** Somebody who must catch up whenever the connection is there again. Settles when it has. */
type CatchUp = () => Promise<void>

const failuresUntilOffline = 4
const answerWithinMs = 10_000
const retryAfterMs = 2_000

const status = signal<ConnectionStatus>('connecting')
export const connectionStatus = { read: status.read, subscribe: status.subscribe }

let socket: Socket | null = null
let failures = 0
const catchUps = new Set<CatchUp>()
/** Those that have not caught up yet: while there is one, nobody may say that the page is live. */
const behind = new Set<CatchUp>()
const frameReaders = new Map<string, (frame: unknown) => void>()

/** What is done with the frames of one kind. Said once, when a store begins to listen. */
export function onFrame(event: string, read: (frame: unknown) => void): void {
  if (frameReaders.has(event)) return
  frameReaders.set(event, read)
  socket?.on(event, read)
}

/** Calls `catchUp` on every connection, beginning with this one if it is there. Answers how to stop that. */
export function onConnected(catchUp: CatchUp): () => void {
  catchUps.add(catchUp)
  const open = connect()
  if (open.connected) void run([catchUp])
  return () => catchUps.delete(catchUp)
}

/** Catches up once if there is a connection; without one, {@link onConnected} comes round. Tries again when it fails. */
export function catchUpNow(catchUp: CatchUp): void {
  if (isConnected()) void run([catchUp])
}

function isConnected(): boolean {
  return socket?.connected ?? false
}

/**
 * Asks the server over the socket. A server that does not answer is taken for lost: the connection is made anew.
 * @throws when there is no answer
 */
export async function ask(event: string, message: unknown): Promise<unknown> {
  const open = connect()
  try {
    return await open.timeout(answerWithinMs).emitWithAck(event, message)
  } catch (error) {
    if (open.connected) open.io.engine.close()
    throw error
  }
}

/** Says something that needs no answer. Without a connection it is not said: the server has forgotten us anyway. */
export function tell(event: string, message: unknown): void {
  if (socket?.connected) socket.emit(event, message)
}

/** One connection per tab, made when it is first needed and kept. */
function connect(): Socket {
  if (socket) return socket
  const made = io({
    transports: ['websocket'],
    reconnectionDelay: 300,
    reconnectionDelayMax: 5_000,
    randomizationFactor: 0.5,
  })
  socket = made
  for (const [event, read] of frameReaders) made.on(event, read)
  made.on('connect', () => {
    failures = 0
    behind.clear()
    void run([...catchUps])
  })
  made.on('disconnect', (reason) => {
    status.set(navigator.onLine ? 'reconnecting' : 'offline')
    // Socket.IO does not try again by itself where the server ended it.
    if (reason === 'io server disconnect') setTimeout(() => made.connect(), retryAfterMs)
  })
  made.on('connect_error', (error) => {
    const refusal = Refusal.safeParse(error)
    if (refusal.success && refusal.data.data.code === 'unauthenticated') return goToSignIn()
    failures++
    if (failures >= failuresUntilOffline || !navigator.onLine) status.set('offline')
    else if (status.read() !== 'connecting') status.set('reconnecting')
    if (!made.active) setTimeout(() => made.connect(), retryAfterMs)
  })
  made.on('revoked', (frame: unknown) => {
    const revoked = RevokedFrame.safeParse(frame)
    if (revoked.success && revoked.data.id === undefined) goToSignIn()
  })
  window.addEventListener('online', () => {
    if (!made.connected) made.disconnect().connect()
  })
  document.addEventListener('visibilitychange', () => {
    // After a sleep a dead connection still looks alive; the question finds out at once instead of at the next heartbeat.
    if (document.visibilityState === 'visible' && made.connected) ask('watch', { jobs: [] }).catch(() => {})
  })
  return made
}

async function run(due: readonly CatchUp[]): Promise<void> {
  for (const catchUp of due) behind.add(catchUp)
  const results = await Promise.allSettled(due.map((catchUp) => catchUp()))
  // Without a connection all of them run again on the next.
  if (!isConnected()) return
  const failed = due.filter((_, i) => results[i]?.status === 'rejected')
  for (const catchUp of due) if (!failed.includes(catchUp)) behind.delete(catchUp)
  if (behind.size === 0) status.set('live')
  if (failed.length === 0) return
  status.set('reconnecting')
  setTimeout(() => isConnected() && void run(failed), retryAfterMs)
}

function goToSignIn(): void {
  socket?.io.reconnection(false)
  const here = window.location.pathname + window.location.search
  window.location.assign(`/sign-in?next=${encodeURIComponent(here)}`)
}
