import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Contender } from './contender.ts'
import { openPlain } from './wire-client.ts'

/**
 * PUBLISH, and a plain WebSocket server that forwards it: the lower bound, without a log or
 * recovery.
 */
export const raw: Contender = {
  name: 'raw',
  server: 'raw-server.ts',
  async openPublisher({ redis }) {
    const connection = new Redis(redis)
    const seqs = new Map<string, number>()
    return {
      begin: async () => `0-${randomUUID()}`,
      publish(jobId, { type, data }) {
        const seq = (seqs.get(jobId) ?? 0) + 1
        seqs.set(jobId, seq)
        return connection.publish(jobId, JSON.stringify([jobId, seq, type, data]))
      },
      close: () => connection.quit(),
    }
  },
  async watch(url, jobIds, _env, onText) {
    const client = await openPlain(url, onText)
    for (const id of jobIds) await client.request('watch', id)
    return client
  },
}
