import { serveRooms } from './socket-io-rooms.ts'

/** Socket.IO and nothing else: the measure for what a connection takes. */
await serveRooms()
