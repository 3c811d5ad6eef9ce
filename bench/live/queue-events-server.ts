import { QueueEvents } from 'bullmq'
import { Redis } from 'ioredis'
import { progressQueue } from './queue-events.ts'
import { serveRooms } from './socket-io-rooms.ts'

/** What BullMQ's QueueEvents tell of a job is emitted to its room. */
const redis = new Redis(process.env.REDIS_URL ?? '', { maxRetriesPerRequest: null })
const events = new QueueEvents(progressQueue, { connection: redis })
// It reconnects by itself; unheard, an error would end the process.
events.on('error', () => {})
await events.waitUntilReady()
const io = await serveRooms()
events.on('progress', ({ jobId, data }) => io.to(jobId).emit('events', [data]))
