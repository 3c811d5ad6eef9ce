import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { AllowPrivate } from '#crawler/allowed-addresses.ts'
import { createWeb, type WebOptions } from '#crawler/create-web.ts'
import type { Lookup } from '#crawler/guarded-connections.ts'
import type { CrawledPage, CrawlOrder, Web } from '#crawler/web.ts'
import { processorTime } from '#test/processor-time.ts'
import { redisUrl, uniquePrefix } from '#test/services.ts'
import { createHostLeases } from '#workers/host-leases.ts'

/** HTML, or a request handler. */
export type Served = string | ((request: IncomingMessage, response: ServerResponse) => void)

export interface LoggedRequest {
  host: string
  path: string
  /** In milliseconds, as performance.now() returns them. */
  from: number
  to: number
  agent: string
}

export interface LocalSites {
  port: number
  /** In order of arrival; `to` is NaN until the answer has ended. */
  requests: LoggedRequest[]
  /** The number of open sockets. */
  open(): number
  url(host: string, path?: string): string
  lookup: Lookup
}

/** The address of names that are not in `names`. */
const loopback = '127.0.0.1'

/**
 * Web sites with public names, served from loopback by a real server. Other paths, robots.txt
 * included, are 404.
 * @param sites pages by host name and path
 * @param names addresses by host name, for the test's DNS
 */
export async function localSites(
  sites: Record<string, Record<string, Served>>,
  names: Record<string, string[]> = {},
): Promise<LocalSites> {
  const requests: LoggedRequest[] = []
  let open = 0
  const server = createServer((request, response) => {
    const [host = ''] = (request.headers.host ?? '').split(':')
    const path = request.url ?? ''
    const entry = {
      host,
      path,
      from: performance.now(),
      to: Number.NaN,
      agent: request.headers['user-agent'] ?? '',
    }
    requests.push(entry)
    // The last byte is on its way before the client can have it; what breaks off only closes.
    const end = () => {
      if (Number.isNaN(entry.to)) entry.to = performance.now()
    }
    response.on('finish', end).on('close', end)
    const served = sites[host]?.[path]
    if (typeof served === 'function') served(request, response)
    else if (served === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(served)
  })
  server.on('connection', (socket) => {
    open++
    socket.on('close', () => open--)
  })
  await new Promise<void>((resolve) => server.listen(0, loopback, resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    port,
    requests,
    open: () => open,
    url: (host, path = '/') => `http://${host}:${port}${path}`,
    async lookup(hostname) {
      const addresses = names[hostname] ?? (hostname in sites ? [loopback] : null)
      if (!addresses)
        throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' })
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    },
  }
}

export const answer =
  (status: number, headers: Record<string, string> = {}, body: string | Buffer = ''): Served =>
  (_request, response) =>
    response.writeHead(status, headers).end(body)
export const redirect = (location: string, status = 302): Served => answer(status, { location })
export const robots = (...lines: string[]): Served =>
  answer(200, { 'content-type': 'text/plain' }, lines.join('\n'))

export const userAgent = 'Searchlight/0.1.0 (+https://example.org/bot)'
export const now = () => new Date('2026-05-06T07:08:09.010Z')

/**
 * A crawler of these sites that makes no pauses. Its host leases have their own Redis namespace.
 */
export function webOf(
  sites: LocalSites,
  options: Partial<WebOptions> & { namespace?: string } = {},
): Web {
  const { namespace = uniquePrefix(), limits, ...more } = options
  const redis = new Redis(redisUrl())
  onTestFinished(() => redis.disconnect())
  return createWeb({
    ...{ leases: createHostLeases({ redis, namespace }), userAgent, now, lookup: sites.lookup },
    allowPrivate: AllowPrivate.parse(loopback),
    limits: { gapMs: 0, backoffMs: [1, 1], ...limits },
    ...more,
  })
}

/** Runs a whole crawl. */
export async function crawlAll(
  web: Web,
  order: Partial<CrawlOrder> & { startUrl: string },
  { signal } = new AbortController(),
) {
  const pages: CrawledPage[] = []
  const notes: string[] = []
  const steps: { done: number; total: number | null }[] = []
  for await (const event of web.crawl({ maxPages: 100, scope: 'site', ...order }, { signal })) {
    if ('page' in event) pages.push(event.page)
    else if ('note' in event) notes.push(event.note)
    else steps.push(event.progress)
  }
  return { pages, notes, steps }
}

export const links = (...hrefs: string[]) =>
  hrefs.map((href) => `<p><a href="${href}">to ${href}</a></p>`).join('\n')

/**
 * The longest time for which the event loop was blocked, and all of the time, in milliseconds of CPU
 * time: other processes on the machine don't affect it.
 */
export async function longestBlock(
  task: () => Promise<unknown>,
): Promise<{ longestMs: number; totalMs: number }> {
  const total = processorTime()
  let longestMs = 0
  let last = processorTime()
  const watch = setInterval(() => {
    longestMs = Math.max(longestMs, last())
    last = processorTime()
  }, 1)
  await task()
  clearInterval(watch)
  return { longestMs: Math.max(longestMs, last()), totalMs: total() }
}
