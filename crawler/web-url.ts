/**
 * Below 1024 only those of the web; above it not those that browsers refuse, as other services
 * listen there (the Fetch standard's list).
 */
const refusedPorts = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
  6679, 6697, 10080,
])
/** Longer ones come from mistakes: addresses that grow with every click. */
export const longestUrl = 2048

/**
 * @returns why nobody should ask a server for it, as a sentence fragment; null for an ordinary
 * address.
 */
export function refusalOf(url: URL): string | null {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return `it is no http or https address (${url.protocol})`
  if (url.username || url.password) return 'it holds a name or a password'
  if (url.href.length > longestUrl)
    return `it is longer than ${longestUrl.toLocaleString('en')} characters`
  const port = portOf(url)
  if (port !== 80 && port !== 443 && (port < 1024 || refusedPorts.has(port)))
    return `port ${port} is not one for web pages`
  return null
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
}

/** What politeness counts as one server: host name and port. */
export const hostOf = (url: URL) => `${url.hostname}:${portOf(url)}`
