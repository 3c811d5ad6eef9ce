/** Ports from 1024 up that the Fetch standard blocks, as other services use them. */
const blockedPorts = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
  6679, 6697, 10080,
])
/** Longer addresses come from relative links that grow with every click. */
export const maxUrlLength = 2048

/** @returns why the address must not be fetched, as a sentence fragment; null if it may be. */
export function refusalOf(url: URL): string | null {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return `it is not an http or https address (${url.protocol})`
  if (url.username || url.password) return 'it contains a user name or a password'
  if (url.href.length > maxUrlLength)
    return `it is longer than ${maxUrlLength.toLocaleString('en')} characters`
  const port = portOf(url)
  if (port !== 80 && port !== 443 && (port < 1024 || blockedPorts.has(port)))
    return `port ${port} is not used for web pages`
  return null
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
}

/** Host name and port: what counts as one server for politeness. */
export const hostOf = (url: URL) => `${url.hostname}:${portOf(url)}`
