import type { Server as HttpServer } from 'node:http'
import { Server } from 'socket.io'
import type { ErrorCode } from '#protocol/errors.ts'
import { Handshake } from '#protocol/frames.ts'
import type { Principal } from '../accounts/authenticate.ts'
import { failureOf } from './failure-of.ts'
import { type SessionDeps, SocketSession } from './socket-session.ts'

export interface SocketDeps extends SessionDeps {
  /** Authenticates a handshake by its API key, else by its cookie. */
  authenticate(headers: Headers, apiKey: string | undefined): Promise<Principal | null>
  /** Whether a handshake from this origin may use the visitor's cookie. */
  originAllowed(headers: Headers): boolean
}

const bytesPerMessage = 64 * 1024
/** Both ends detect a silently broken connection within the sum of these. */
const heartbeat = { pingInterval: 10_000, pingTimeout: 5_000 }
/** A client must connect to the namespace within this time, or it is disconnected. */
const helloWithinMs = 10_000
const checkEveryMs = 5_000

/** Accepts authenticated sockets and starts a session for each. The contract: docs/protocol.md. */
export function attachSockets(server: HttpServer, deps: SocketDeps): Server {
  const { log } = deps
  const io = new Server(server, {
    path: '/socket.io',
    transports: ['websocket'],
    perMessageDeflate: false,
    serveClient: false,
    // Leave upgrades on other paths to their own handlers.
    destroyUpgrade: false,
    maxHttpBufferSize: bytesPerMessage,
    ...heartbeat,
    connectTimeout: helloWithinMs,
    allowRequest: (request, decide) => decide(null, deps.originAllowed(headersOf(request.headers))),
  })
  io.use((socket, next) => {
    const { apiKey } = Handshake.catch({}).parse(socket.handshake.auth)
    deps.authenticate(headersOf(socket.handshake.headers), apiKey).then(
      (principal) => {
        if (principal) socket.data.principal = principal
        next(principal ? undefined : refusal('unauthenticated', 'Sign in first.'))
      },
      (error) => {
        const { code, message, outage } = failureOf(error)
        log[outage ? 'warn' : 'error']({ err: error }, 'Could not authenticate a socket')
        next(refusal(code, message))
      },
    )
  })
  const sessions = new Set<SocketSession>()
  io.on('connection', (socket) => {
    const session = new SocketSession(socket, socket.data.principal, deps)
    sessions.add(session)
    socket.on('disconnect', () => sessions.delete(session))
  })
  const checking = setInterval(() => {
    for (const session of sessions) session.check()
  }, checkEveryMs)
  server.on('close', () => clearInterval(checking))
  return io
}

function refusal(code: ErrorCode, message: string): Error {
  return Object.assign(new Error(message), { data: { code, message } })
}

function headersOf(headers: NodeJS.Dict<string | string[]>): Headers {
  const result = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) result.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  return result
}
