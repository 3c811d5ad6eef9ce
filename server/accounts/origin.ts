/**
 * The origins that this server's pages can have. A server on loopback is reachable under several
 * names, and people use any of them.
 */
export function ownOrigins(publicUrl: string): string[] {
  const url = new URL(publicUrl)
  if (!isLoopback(url.hostname)) return [url.origin]
  const port = url.port === '' ? '' : `:${url.port}`
  const names = new Set([url.hostname, 'localhost', '127.0.0.1', '[::1]'])
  return [...names].map((name) => `${url.protocol}//${name}${port}`)
}

/**
 * Whether the cookie may authenticate a change or a socket handshake. Browsers send the page's
 * origin with both, and a page cannot forge it; so a request with a cookie must come from one of
 * our own origins. A request without a cookie carries nothing that a foreign page could abuse, and
 * programs send no origin, so the origin may be missing; a foreign origin is refused even then. Not
 * needed for calls with an API key.
 */
export function originAllowed(headers: Headers, publicUrl: string): boolean {
  const origin = headers.get('origin')
  if (origin === null) return !headers.has('cookie')
  return ownOrigins(publicUrl).includes(origin)
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
