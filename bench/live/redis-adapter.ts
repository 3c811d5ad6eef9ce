import { randomUUID } from 'node:crypto'
import { Emitter } from '@socket.io/redis-emitter'
import { Redis } from 'ioredis'
import type { Contender } from './contender.ts'
import { watchRooms } from './watch-rooms.ts'

/**
 * Socket.IO's own way to emit from another process: its Redis emitter and Redis adapter, with
 * rooms.
 */
export const redisAdapter: Contender = {
  name: 'redis-adapter',
  server: 'redis-adapter-server.ts',
  async openPublisher({ redis }) {
    const connection = new Redis(redis)
    const emitter = new Emitter(connection)
    const seqs = new Map<string, number>()
    return {
      begin: async () => `0-${randomUUID()}`,
      async publish(jobId, { type, data }) {
        const seq = (seqs.get(jobId) ?? 0) + 1
        seqs.set(jobId, seq)
        emitter.to(jobId).emit('events', [[jobId, seq, type, data]])
      },
      close: () => connection.quit(),
    }
  },
  watch: watchRooms,
}
