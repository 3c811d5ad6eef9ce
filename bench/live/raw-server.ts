import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import { type WebSocket, WebSocketServer } from 'ws'
import { listen } from '#server/listen.ts'
import { answerQuestions } from './answer-questions.ts'

/**
 * What is least: a message of a Redis channel is sent on to every WebSocket that asked for the
 * channel.
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
    const those = readers.get(channel) ?? new Set()
    readers.set(channel, those.add(socket))
    await subscriber.subscribe(channel)
    socket.send('ok')
  })
  socket.on('close', () => {
    for (const those of readers.values()) those.delete(socket)
  })
})
answerQuestions(`http://127.0.0.1:${await listen(http, '127.0.0.1', 0)}`)
