import { parse } from 'tldts'
import { parseUrl } from './parse-url.ts'

/** The address of a page on the public web, and the site it belongs to. */
export interface WebAddress {
  /** The address to open: as written, without fragment, user name and password. */
  url: string
  /**
   * Identifies the page: https, no `www.`, no trailing slash, no fragment. `https://redis.io/docs`
   */
  key: string
  /** Without `www.` and port. */
  host: string
  /**
   * Registrable domain, where private suffixes such as `github.io` count as suffixes; on a code
   * host, with the owner. `github.com/redis`
   */
  site: string
}

/**
 * On these hosts each owner is a site. `reserved` lists first path segments that belong to the host
 * itself; `minSegments` is the shortest path that starts with an owner.
 */
const codeHosts: Record<
  string,
  { site: string; owner: RegExp; minSegments: number; reserved: Set<string> }
> = {
  'github.com': {
    site: 'github.com',
    owner: /^[a-z\d][a-z\d-]*$/,
    minSegments: 1,
    reserved: new Set(
      `about account apps blog collections contact customer-stories dashboard enterprise events explore features issues join login
      logout marketplace mobile new notifications orgs organizations pricing pulls readme search security sessions settings signup
      site sponsors stars team topics trending users watching`.split(/\s+/),
    ),
  },
  // A single segment is the id of a gist, not an owner.
  'gist.github.com': {
    site: 'github.com',
    owner: /^[a-z\d][a-z\d-]*$/,
    minSegments: 2,
    reserved: new Set(['discover', 'starred']),
  },
  'gitlab.com': {
    site: 'gitlab.com',
    owner: /^[a-z\d_][a-z\d_.-]*$/,
    minSegments: 1,
    reserved: new Set(['-', 'api', 'dashboard', 'explore', 'groups', 'help', 'users']),
  },
  'bitbucket.org': {
    site: 'bitbucket.org',
    owner: /^[a-z\d_][a-z\d_-]*$/,
    minSegments: 1,
    reserved: new Set(['account', 'product']),
  },
  'codeberg.org': {
    site: 'codeberg.org',
    owner: /^[a-z\d_][a-z\d_.-]*$/,
    minSegments: 1,
    reserved: new Set(['api', 'explore', 'user']),
  },
  'git.sr.ht': { site: 'sr.ht', owner: /^~[a-z\d_.-]+$/, minSegments: 1, reserved: new Set() },
}

/** Whether the owners on this site are sites of their own: `github.com`. */
export function isCodeHost(site: string): boolean {
  return Object.values(codeHosts).some((host) => host.site === site)
}

/**
 * @returns null if the page is not on the public web: another scheme than http and https, an IP
 * address, a host name without a public suffix.
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

/** Parses a host name with tldts; private suffixes (`github.io`) count as suffixes. */
export function inspectHost(hostname: string) {
  return parse(hostname, { allowPrivateDomains: true })
}

function registrableDomain(hostname: string): string | null {
  if (hostname.startsWith('.')) return null
  const found = inspectHost(hostname)
  // A private suffix can have pages of its own (vercel.app); those belong to the suffix.
  if (found.isPrivate) return found.domain ?? found.hostname
  return found.isIcann ? found.domain : null
}

/** Keeps the `www.` of a registrable domain such as `www.gov.uk`. */
function withoutWww(hostname: string, domain: string): string {
  return hostname.startsWith('www.') && hostname !== domain ? hostname.slice(4) : hostname
}

function siteOf(host: string, domain: string, path: string): string {
  const codeHost = codeHosts[host]
  if (!codeHost) return domain
  const segments = path.toLowerCase().split('/').filter(Boolean)
  const owner = segments[0]
  if (!owner || segments.length < codeHost.minSegments) return codeHost.site
  if (codeHost.reserved.has(owner) || !codeHost.owner.test(owner)) return codeHost.site
  return `${codeHost.site}/${owner}`
}
