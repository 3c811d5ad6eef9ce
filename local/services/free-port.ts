import { randomInt } from 'node:crypto'
import getPort from 'get-port'

const host = '127.0.0.1'

/**
 * Finds a free port on this machine: the preferred one if it is free.
 *
 * Ports come from below the ephemeral range (from 32768 on Linux). A client that keeps
 * connecting to a port in that range where no server listens may be assigned that same port as its
 * source port, and then connects to itself.
 */
export function freePort(preferred?: number): Promise<number> {
  const candidates = Array.from({ length: 100 }, () => randomInt(21_000, 32_000))
  return getPort({ host, port: preferred === undefined ? candidates : [preferred, ...candidates] })
}
