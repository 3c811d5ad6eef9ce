import { isIP } from 'node:net'
import { parseUrl } from './parse-url.ts'
import { addressOf, inspectHost, type WebAddress } from './web-address.ts'

/** The target of a search, in the form in which the index stores link targets. */
export interface LinkTarget extends Pick<WebAddress, 'site' | 'host' | 'key'> {
  /** The key without its scheme; `readTarget` maps it to the same target. `github.com/redis` */
  text: string
}

export type TargetReading = { ok: true; target: LinkTarget } | { ok: false; reason: string }

/** Parses user input: a domain, a URL, an internationalised name, an owner on a code host. */
export function readTarget(written: string): TargetReading {
  // Repairs typing errors in the scheme: `http:redis.io`, `https:///redis.io`.
  const text = written.trim().replace(/^(https?):\/*(?=[^/])/i, '$1://')
  const shown = shorten(text)
  const refuse = (reason: string): TargetReading => ({ ok: false, reason })

  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme && scheme !== 'http' && scheme !== 'https')
    return refuse(`Only http and https addresses can be looked up, not ${scheme}.`)
  if (isIP(text.replace(/%.*$/, '')) === 6) return refuse(ipReason(text))
  const href = scheme ? text : `https://${text.replace(/^\/+/, '')}`
  if (/\s/.test(text) || !parseUrl(href))
    return refuse(`“${shown}” is not a domain or a web address. Try one such as redis.io.`)

  const url = new URL(href)
  if (scheme && (url.username || url.password))
    return refuse(
      `The address of “${url.hostname}” contains a user name or a password. Leave them out.`,
    )
  if (url.username)
    return refuse(`“${shown}” looks like an e-mail address. Give only the domain: ${url.hostname}.`)
  const reason = reasonAgainst(url.hostname.replace(/\.$/, ''))
  if (reason) return refuse(reason)
  const address = addressOf(href)
  if (!address) return refuse(`“${shown}” is not a domain of the public web.`)
  const { site, host, key } = address
  return { ok: true, target: { site, host, key, text: key.slice('https://'.length) } }
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function ipReason(address: string): string {
  return `${address} is an IP address. Links are counted by domain name. Give a name such as redis.io.`
}

function reasonAgainst(hostname: string): string | null {
  const found = inspectHost(hostname)
  if (found.isIp) return ipReason(hostname)
  if (hostname === 'localhost' || hostname.endsWith('.localhost'))
    return 'localhost is your own computer. Give a domain on the web, such as redis.io.'
  if (!found.hostname || hostname.startsWith('.'))
    return `“${shorten(hostname)}” is not a valid domain name.`
  if (!hostname.includes('.') && !found.isIcann)
    return `“${hostname}” is not a whole domain name. Add its ending, such as .com or .org.`
  if (!found.isIcann && !found.isPrivate)
    return `“.${found.publicSuffix}” is not an ending of domains on the web. Check the spelling.`
  if (!found.domain)
    return `“${hostname}” is an ending that many owners share. Give a name under it, such as example.${hostname}.`
  return null
}

/**
 * Whether a link leads to the target: to any page of its site, to any page of its host, or to
 * exactly this page. The target `github.com` includes the sites of all its owners.
 */
export function leadsTo(
  href: string,
  target: Pick<LinkTarget, 'site' | 'host' | 'key'>,
  scope: 'site' | 'host' | 'url',
): boolean {
  const address = addressOf(href)
  if (!address) return false
  if (address.site !== target.site && !address.site.startsWith(`${target.site}/`)) return false
  if (scope === 'url') return address.key === target.key
  return scope === 'site' || address.host === target.host
}
