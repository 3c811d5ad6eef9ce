import { startServer } from './start-server.ts'

/** A server without its pages, as a process. Reports its address over IPC; exits on SIGTERM. */
const environment = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  ),
)
const { url, close } = await startServer(environment)
process.on('SIGTERM', () => close().then(() => process.exit(0)))
process.on('disconnect', () => process.exit(0))
process.send?.({ type: 'ready', url })
