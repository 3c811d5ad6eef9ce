import { serveRooms } from './socket-io-rooms.ts'

/** Socket.IO and nothing else: the baseline for the memory of a connection. */
await serveRooms()
