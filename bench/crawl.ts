/**
 * Measures the speed of a crawl without pauses, relative to plain fetches of the same pages. The
 * difference is the cost of robots.txt, host leases in Redis, address checks, limits, reading pages
 * and reporting them. The bar is half of the plain pages per second.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { availableParallelism } from 'node:os'
import { Redis } from 'ioredis'
import { Agent, fetch } from 'undici'
import { AllowPrivate } from '#crawler/allowed-addresses.ts'
import { createWeb } from '#crawler/create-web.ts'
import type { HostLeases } from '#crawler/host-leases.ts'
import { createHostLeases } from '#workers/host-leases.ts'
import { log, median, rounds, spread, withServices } from './measure.ts'

const hosts = Array.from({ length: 8 }, (_, i) => `h${i}.example.com`)
const pagesPerHost = 250
const pages = hosts.length * pagesPerHost
const loopback = '127.0.0.1'

/**
 * A small page and one of average size, in paragraphs of 500 bytes with a link each. The larger the
 * page, the more parsing dominates.
 */
const sizes = [6, 60]

/** An HTML page with links to the next pages on its host, to all hosts, and to other sites. */
function page(size: number, number: number, port: number): string {
  const paragraphs = Array.from({ length: size }, (_, i) => {
    const words = Array.from(
      { length: 50 },
      (_, word) => `word${(number * 7 + i * 13 + word * word) % 997}`,
    ).join(' ')
    return `<p class="text">${words} <a href="https://site-${(number * i) % 500}.org/page">a link out</a>.</p>`
  })
  const next = [1, 2, 3].map(
    (step) => `<a href="/${size}/${(number + step) % pagesPerHost}">page ${number + step}</a>`,
  )
  const others = hosts.map((host) => `<a href="http://${host}:${port}/${size}/0">${host}</a>`)
  return `<!doctype html><html><head><meta charset="utf-8"><title>Page ${number}</title></head><body><nav>${next.join(' ')}${others.join(' ')}</nav>${paragraphs.join('\n')}</body></html>`
}

/** Runs in a separate process, so that its work does not count as the crawler's. */
async function serve(): Promise<void> {
  const cache = new Map<string, string>()
  const server = createServer(({ url = '' }, response) => {
    const [, size, number] = /^\/(\d+)\/(\d+)$/.exec(url) ?? []
    if (size === undefined) return response.writeHead(404).end()
    const html = cache.get(url) ?? page(Number(size), Number(number), addressOf(server).port)
    cache.set(url, html)
    return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html)
  })
  server.listen(0, loopback)
  await once(server, 'listening')
  process.send?.(addressOf(server).port)
}

function addressOf(server: ReturnType<typeof createServer>): { port: number } {
  const address = server.address()
  return typeof address === 'object' && address ? address : { port: 0 }
}

interface Served {
  port: number
  size: number
}

/** Fetches the same pages with the same concurrency: one at a time per host. */
async function plainFetches({ port, size }: Served): Promise<number> {
  const agent = new Agent({
    connect: {
      lookup: (_host, _options, answer) => answer(null, [{ address: loopback, family: 4 }]),
    },
  })
  let count = 0
  const lane = async (host: string) => {
    for (let n = 0; n < pagesPerHost; n++) {
      await (await fetch(`http://${host}:${port}/${size}/${n}`, { dispatcher: agent })).text()
      count++
    }
  }
  await Promise.all(hosts.map(lane))
  await agent.close()
  return count
}

/** Grants every lease at once. */
const freeLeases: HostLeases = { take: async () => ({ granted: true }), end: async () => {} }

async function crawl({ port, size }: Served, leases: HostLeases): Promise<number> {
  const web = createWeb({
    leases,
    userAgent: 'Searchlight/bench',
    now: () => new Date(),
    lookup: async () => [{ address: loopback, family: 4 }],
    allowPrivate: AllowPrivate.parse(loopback),
    limits: { gapMs: 0 },
  })
  let count = 0
  const order = {
    startUrl: `http://${hosts[0]}:${port}/${size}/0`,
    maxPages: pages,
    scope: 'site' as const,
  }
  for await (const event of web.crawl(order, new AbortController())) {
    if ('note' in event) console.log(event.note)
    if ('page' in event && event.page.document) count++
  }
  return count
}

async function pagesPerSecond(task: () => Promise<number>): Promise<number> {
  const startedAt = performance.now()
  const count = await task()
  if (count !== pages) throw new Error(`Only ${count} of ${pages} pages were fetched`)
  return (count / (performance.now() - startedAt)) * 1000
}

if (process.send && process.argv[2] === 'serve') await serve()
else
  await withServices(async ({ redis: url }) => {
    const server = fork(import.meta.filename, ['serve'])
    const [port] = await once(server, 'message')
    const redis = new Redis(url)
    redis.on('error', (error) => log.error({ error }, 'Redis'))
    const leases = createHostLeases({ redis, namespace: 'bench' })
    console.log(
      `${pages.toLocaleString('en')} pages on ${hosts.length} hosts, ${availableParallelism()} cores`,
    )
    for (const size of sizes) {
      const served = { port: Number(port), size }
      const plain: number[] = []
      const crawled: number[] = []
      const leased: number[] = []
      // Warm-up: the server fills its cache, and both code paths are compiled.
      await plainFetches(served)
      await crawl(served, freeLeases)
      for (let round = 0; round < rounds(5); round++) {
        plain.push(await pagesPerSecond(() => plainFetches(served)))
        crawled.push(await pagesPerSecond(() => crawl(served, freeLeases)))
        leased.push(await pagesPerSecond(() => crawl(served, leases)))
      }
      const bytes = page(size, 1, served.port).length
      const ratio = (values: number[]) => (median(values) / median(plain)).toFixed(2)
      console.log(`Pages of ${(bytes / 1000).toFixed(1)} kB, pages per second:`)
      console.log(`  plain fetches              ${spread(plain)}`)
      console.log(`  crawl, politeness off      ${spread(crawled)}   ÷ plain: ${ratio(crawled)}`)
      console.log(`  crawl, leases in Redis     ${spread(leased)}   ÷ plain: ${ratio(leased)}`)
    }
    redis.disconnect()
    server.kill()
  })
