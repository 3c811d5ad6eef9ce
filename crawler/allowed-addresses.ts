import ipaddr from 'ipaddr.js'
import { z } from 'zod'

/** Says whether the crawler may connect to an IP address. */
export type AllowsAddress = (ip: string) => boolean

/**
 * Networks, though private, that may be visited: `10.1.0.0/16, 127.0.0.1`. Empty by default; an
 * address alone stands for itself.
 */
export const AllowPrivate = z
  .string()
  .default('')
  .transform((written, context) =>
    written
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean)
      .flatMap((part) => {
        const network = readNetwork(part)
        if (network) return network
        context.addIssue({
          code: 'custom',
          message: `“${part}” is not a network such as 10.1.0.0/16 or fd00::/8`,
          input: written,
        })
        return []
      }),
  )

/** `bits`: how many of the address count. */
export interface Network {
  address: ipaddr.IPv4 | ipaddr.IPv6
  bits: number
}

function readNetwork(text: string): Network | null {
  const cidr = text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`
  // Of IPv4 only whole addresses: ipaddr.js would also read `10/8` and `0x7f.1`.
  const isWhole = text.includes(':') || /^\d+\.\d+\.\d+\.\d+(\/|$)/.test(text)
  if (!isWhole || !ipaddr.isValidCIDR(cidr)) return null
  const [address, bits] = ipaddr.parseCIDR(cidr)
  return { address, bits }
}

/**
 * Public addresses, and those of the networks given. Whatever is of another range (private,
 * link-local, carrier NAT, 6to4, NAT64, …) is not public.
 */
export function allowedAddresses(networks: readonly Network[]): AllowsAddress {
  return (ip) => {
    if (!ipaddr.isValid(ip)) return false
    // An IPv4 address in IPv6 notation is judged as what it is.
    const address = ipaddr.process(ip)
    if (address.range() === 'unicast') return true
    return networks.some(
      (network) =>
        network.address.kind() === address.kind() && address.match(network.address, network.bits),
    )
  }
}
