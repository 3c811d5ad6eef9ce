import { parse } from 'tldts'
import { parseUrl } from './parse-url.ts'

/** A page of the public web, and the site that answers for it. */
export interface WebAddress {
  /** As it was written, without fragment: this one can be opened. */
  url: string
  /**
   * What pages are compared by: https, no `www.`, no trailing slash, no fragment.
   * `https://redis.io/docs`
   */
  key: string
  /** Without `www.` and port. */
  host: string
  /**
   * Registrable domain, private suffixes counted as suffixes; on code hosts with the owner.
   * `github.com/redis`
   */
  site: string
}

/**
 * On these hosts an owner, not the host, answers for a page. `apart` are first path segments that
 * are no owner.
 */
const codeHosts: Record<
  string,
  { site: string; owner: RegExp; minSegments: number; apart: Set<string> }
> = {
  'github.com': {
    site: 'github.com',
    owner: /^[a-z\d][a-z\d-]*$/,
    minSegments: 1,
    apart: new Set(
      `about account apps blog collections contact customer-stories dashboard enterprise events explore features issues join login
      logout marketplace mobile new notifications orgs organizations pricing pulls readme search security sessions settings signup
      site sponsors stars team topics trending users watching`.split(/\s+/),
    ),
  },
  // One segment alone is the number of a gist, not a person.
  'gist.github.com': {
    site: 'github.com',
    owner: /^[a-z\d][a-z\d-]*$/,
    minSegments: 2,
    apart: new Set(['discover', 'starred']),
  },
  'gitlab.com': {
    site: 'gitlab.com',
    owner: /^[a-z\d_][a-z\d_.-]*$/,
    minSegments: 1,
    apart: new Set(['-', 'api', 'dashboard', 'explore', 'groups', 'help', 'users']),
  },
  'bitbucket.org': {
    site: 'bitbucket.org',
    owner: /^[a-z\d_][a-z\d_-]*$/,
    minSegments: 1,
    apart: new Set(['account', 'product']),
  },
  'codeberg.org': {
    site: 'codeberg.org',
    owner: /^[a-z\d_][a-z\d_.-]*$/,
    minSegments: 1,
    apart: new Set(['api', 'explore', 'user']),
  },
  'git.sr.ht': { site: 'sr.ht', owner: /^~[a-z\d_.-]+$/, minSegments: 1, apart: new Set() },
}

/**
 * @returns null for what is not a page of the public web: other schemes, IP addresses, names
 * without a real ending.
 */
export function addressOf(href: string): WebAddress | null {
  const url = parseUrl(href)
  if (url === null) return null
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null
  url.hash = ''
  url.username = ''
  url.password = ''
  const hostname = url.hostname.replace(/\.$/, '')
  const domain = registrableDomain(hostname)
  if (!domain) return null
  const host = withoutWww(hostname, domain)
  const port = url.port ? `:${url.port}` : ''
  const key = `https://${host}${port}${url.pathname.replace(/\/+$/, '')}${url.search}`
  return { url: url.href, key, host, site: siteOf(host, domain, url.pathname) }
}

/** What tldts says of a host name, with private suffixes (`github.io`) counted as suffixes. */
export function inspectHost(hostname: string) {
  return parse(hostname, { allowPrivateDomains: true })
}

function registrableDomain(hostname: string): string | null {
  if (hostname.startsWith('.')) return null
  const found = inspectHost(hostname)
  // A suffix that people also publish under (vercel.app) is its own site when it is linked to.
  if (found.isPrivate) return found.domain ?? found.hostname
  return found.isIcann ? found.domain : null
}

/** `www.gov.uk` keeps its www: there it is the registrable domain itself. */
function withoutWww(hostname: string, domain: string): string {
  return hostname.startsWith('www.') && hostname !== domain ? hostname.slice(4) : hostname
}

function siteOf(host: string, domain: string, path: string): string {
  const codeHost = codeHosts[host]
  if (!codeHost) return domain
  const segments = path.toLowerCase().split('/').filter(Boolean)
  const owner = segments[0]
  if (!owner || segments.length < codeHost.minSegments) return codeHost.site
  if (codeHost.apart.has(owner) || !codeHost.owner.test(owner)) return codeHost.site
  return `${codeHost.site}/${owner}`
}
