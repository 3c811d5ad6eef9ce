import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { serveRooms } from './socket-io-rooms.ts'

/** Rooms to which other processes emit over Redis. */
const publisher = new Redis(process.env.REDIS_URL ?? '')
const subscriber = new Redis(process.env.REDIS_URL ?? '')
await serveRooms(createAdapter(publisher, subscriber))
