/**
 * The origins that pages of this server may have. A server on loopback is reached under several
 * names, and people type whichever they like.
 */
export function ownOrigins(publicUrl: string): string[] {
  const url = new URL(publicUrl)
  if (!isLoopback(url.hostname)) return [url.origin]
  const port = url.port === '' ? '' : `:${url.port}`
  const names = new Set([url.hostname, 'localhost', '127.0.0.1', '[::1]'])
  return [...names].map((name) => `${url.protocol}//${name}${port}`)
}

/**
 * Whether a call that changes something, or a socket handshake, may go by the cookie that it
 * carries. Browsers name the page's origin in both, and no page can forge it; so with a cookie it
 * must be one of ours. Without a cookie there is nothing that a foreign page could borrow, and
 * programs send no origin; a foreign one is refused all the same. Not needed for calls with an API
 * key.
 */
export function originAllowed(headers: Headers, publicUrl: string): boolean {
  const origin = headers.get('origin')
  if (origin === null) return !headers.has('cookie')
  return ownOrigins(publicUrl).includes(origin)
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
