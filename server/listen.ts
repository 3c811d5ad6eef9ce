import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Another program listens on the port. */
export class PortTaken extends Error {
  constructor(port: number) {
    super(`Port ${port} is in use by another program. Stop it, or set PORT to another port.`)
    this.name = 'PortTaken'
  }
}

const firstPort = 3000
const portsTried = 100

/**
 * Listens on `port`; without one, on the first free port from 3000 on.
 * @returns the port
 * @throws {PortTaken}
 */
export async function listen(
  server: Server,
  host: string,
  port: number | undefined,
): Promise<number> {
  const ports =
    port === undefined ? Array.from({ length: portsTried }, (_, i) => firstPort + i) : [port]
  for (const candidate of ports) {
    if (await tryListen(server, host, candidate)) return (server.address() as AddressInfo).port
  }
  throw new PortTaken(port ?? firstPort)
}

function tryListen(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      server.off('listening', listening)
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    }
    const listening = () => {
      server.off('error', failed)
      resolve(true)
    }
    server.once('error', failed)
    server.once('listening', listening)
    server.listen(port, host)
  })
}
