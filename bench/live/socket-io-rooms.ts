import { createServer } from 'node:http'
import { Server, type ServerOptions } from 'socket.io'
import { listen } from '#server/listen.ts'
import { reportUsage } from './report-usage.ts'

/** Socket.IO with the settings of server/live/sockets.ts; `watch` joins the rooms of jobs. */
export async function serveRooms(adapter?: ServerOptions['adapter']): Promise<Server> {
  const http = createServer()
  const io = new Server(http, {
    path: '/socket.io',
    transports: ['websocket'],
    perMessageDeflate: false,
    serveClient: false,
    maxHttpBufferSize: 64 * 1024,
    ...(adapter ? { adapter } : {}),
  })
  io.use((socket, next) => {
    socket.data.principal = { userId: 'user-1', key: socket.handshake.auth.apiKey }
    next()
  })
  io.on('connection', (socket) => {
    socket.on('watch', async (jobIds: string[], acknowledge: (answer: object) => void) => {
      await socket.join(jobIds)
      acknowledge({})
    })
  })
  reportUsage(`http://127.0.0.1:${await listen(http, '127.0.0.1', 0)}`)
  return io
}
