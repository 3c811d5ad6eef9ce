import { type Job, Queue } from 'bullmq'
import { Redis } from 'ioredis'
import type { Contender } from './contender.ts'
import { watchRooms } from './watch-rooms.ts'

export const progressQueue = 'live-bench'

/** BullMQ's own way: job progress, which the server receives by QueueEvents and emits to a room. */
export const queueEvents: Contender = {
  name: 'queue-events',
  server: 'queue-events-server.ts',
  async openPublisher({ redis }) {
    const connection = new Redis(redis, { maxRetriesPerRequest: null })
    const queue = new Queue(progressQueue, { connection })
    const jobs = new Map<string, { job: Job; seq: number }>()
    return {
      async begin() {
        const job = await queue.add('search', {})
        const id = String(job.id)
        jobs.set(id, { job, seq: 0 })
        return id
      },
      async publish(jobId, { type, data }) {
        const publishing = jobs.get(jobId)
        if (!publishing) throw new Error(`No job ${jobId}`)
        await publishing.job.updateProgress([jobId, ++publishing.seq, type, data])
      },
      async close() {
        await queue.close()
        connection.disconnect()
      },
    }
  },
  watch: watchRooms,
}
