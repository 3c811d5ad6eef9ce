import { randomInt } from 'node:crypto'
import getPort from 'get-port'

const host = '127.0.0.1'

/**
 * A free port of this machine, the wanted one if it can be had.
 *
 * Below the range that systems give to outgoing connections (from 32768 on Linux): a client that
 * tries again and again to reach a port of that range while nobody listens there can be given that
 * very port for its own end, and is then connected to itself.
 */
export function freePort(wanted?: number): Promise<number> {
  const candidates = Array.from({ length: 100 }, () => randomInt(21_000, 32_000))
  return getPort({ host, port: wanted === undefined ? candidates : [wanted, ...candidates] })
}
