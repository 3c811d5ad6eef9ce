import ipaddr from 'ipaddr.js'
import { z } from 'zod'

/** Whether the crawler may connect to an IP address. */
export type AllowsAddress = (ip: string) => boolean

/**
 * Private networks and addresses that may be visited: `10.1.0.0/16, 127.0.0.1`. None by default.
 */
export const AllowPrivate = z
  .string()
  .default('')
  .transform((list, context) =>
    list
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean)
      .flatMap((part) => {
        const network = readNetwork(part)
        if (network) return network
        context.addIssue({
          code: 'custom',
          message: `“${part}” is not a network such as 10.1.0.0/16 or fd00::/8`,
          input: list,
        })
        return []
      }),
  )

/** `bits`: the length of the network prefix. */
export interface Network {
  address: ipaddr.IPv4 | ipaddr.IPv6
  bits: number
}

function readNetwork(text: string): Network | null {
  const cidr = text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`
  // IPv4 addresses must have four parts: ipaddr.js would also accept `10/8` and `0x7f.1`.
  const isComplete = text.includes(':') || /^\d+\.\d+\.\d+\.\d+(\/|$)/.test(text)
  if (!isComplete || !ipaddr.isValidCIDR(cidr)) return null
  const [address, bits] = ipaddr.parseCIDR(cidr)
  return { address, bits }
}

/**
 * Allows public addresses and those in the given networks. Private, link-local, carrier NAT, 6to4,
 * NAT64 and other special ranges are not public.
 */
export function allowedAddresses(networks: readonly Network[]): AllowsAddress {
  return (ip) => {
    if (!ipaddr.isValid(ip)) return false
    // Treats an IPv4 address in IPv6 notation as IPv4.
    const address = ipaddr.process(ip)
    if (address.range() === 'unicast') return true
    return networks.some(
      (network) =>
        network.address.kind() === address.kind() && address.match(network.address, network.bits),
    )
  }
}
