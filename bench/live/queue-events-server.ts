import { QueueEvents } from 'bullmq'
import { Redis } from 'ioredis'
import { progressQueue } from './queue-events.ts'
import { serveRooms } from './socket-io-rooms.ts'

/** Emits the progress events of BullMQ's QueueEvents to the job's room. */
const redis = new Redis(process.env.REDIS_URL ?? '', { maxRetriesPerRequest: null })
const events = new QueueEvents(progressQueue, { connection: redis })
// It reconnects by itself; without a listener, an error event would end the process.
events.on('error', () => {})
await events.waitUntilReady()
const io = await serveRooms()
events.on('progress', ({ jobId, data }) => io.to(jobId).emit('events', [data]))
