import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import { type WebSocket, WebSocketServer } from 'ws'
import { listen } from '#server/listen.ts'
import { reportUsage } from './report-usage.ts'

/**
 * The least possible: forwards the messages of a Redis channel to the WebSockets that asked for it.
 */
const http = createServer()
const subscriber = new Redis(process.env.REDIS_URL ?? '')
const readers = new Map<string, Set<WebSocket>>()

subscriber.on('message', (channel, text) => {
  for (const socket of readers.get(channel) ?? []) socket.send(text)
})
new WebSocketServer({ server: http, perMessageDeflate: false }).on('connection', (socket) => {
  socket.on('message', async (data) => {
    const channel = String(data)
    const sockets = readers.get(channel) ?? new Set()
    readers.set(channel, sockets.add(socket))
    await subscriber.subscribe(channel)
    socket.send('ok')
  })
  socket.on('close', () => {
    for (const sockets of readers.values()) sockets.delete(socket)
  })
})
reportUsage(`http://127.0.0.1:${await listen(http, '127.0.0.1', 0)}`)
