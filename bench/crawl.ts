/**
 * How fast a crawl is where politeness does not hold it back, against plain fetches of the same pages: the price of robots.txt, turns over Redis,
 * checked addresses, limits, reading the pages and telling of them. The bar is half of their pages a second.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { availableParallelism } from 'node:os'
import { Redis } from 'ioredis'
import { Agent, request } from 'undici'
import { AllowPrivate } from '#webindex/web/allowed-addresses.ts'
import { createWeb } from '#webindex/web/create-web.ts'
import { createHostTurns } from '#workers/host-turns.ts'
import { log, median, rounds, spread, withServices } from './measure.ts'

const hosts = Array.from({ length: 8 }, (_, i) => `h${i}.example.com`)
const pagesPerHost = 250
const pages = hosts.length * pagesPerHost
const loopback = '127.0.0.1'

/** About 10 kB, with the links of a usual page: to the next ones of its host, and out of the site. */
function page(number: number, port: number): string {
  const paragraphs = Array.from({ length: 25 }, (_, i) => {
    const words = Array.from({ length: 40 }, (_, word) => `word${(number * 7 + i * 13 + word * word) % 997}`).join(' ')
    return `<p class="text">${words} <a href="https://site-${(number * i) % 500}.org/page">a link out</a>.</p>`
  })
  const next = [1, 2, 3].map((step) => `<a href="/${(number + step) % pagesPerHost}">page ${number + step}</a>`)
  const others = hosts.map((host) => `<a href="http://${host}:${port}/0">${host}</a>`)
  return `<!doctype html><html><head><meta charset="utf-8"><title>Page ${number}</title></head><body><nav>${next.join(' ')}${others.join(' ')}</nav>${paragraphs.join('\n')}</body></html>`
}

/** In a process of its own, so that its work is not counted as the crawler's. */
async function serve(): Promise<void> {
  const made = new Map<string, string>()
  const server = createServer(({ url = '' }, response) => {
    const path = url.slice(1)
    if (!/^\d+$/.test(path)) return response.writeHead(404).end()
    const { port } = addressOf(server)
    const html = made.get(path) ?? page(Number(path), port)
    made.set(path, html)
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

/** The same pages, as many at once: one after the other at each of the hosts. */
async function plainFetches(port: number): Promise<number> {
  const agent = new Agent({ connect: { lookup: (_host, _options, answer) => answer(null, [{ address: loopback, family: 4 }]) } })
  let count = 0
  const lane = async (host: string) => {
    for (let n = 0; n < pagesPerHost; n++) {
      const { body } = await request(`http://${host}:${port}/${n}`, { dispatcher: agent })
      await body.text()
      count++
    }
  }
  await Promise.all(hosts.map(lane))
  await agent.close()
  return count
}

async function crawl(port: number, redis: Redis): Promise<number> {
  const web = createWeb({
    turns: createHostTurns({ redis, namespace: 'bench' }),
    userAgent: 'Searchlight/bench',
    now: () => new Date(),
    lookup: async () => [{ address: loopback, family: 4 }],
    allowPrivate: AllowPrivate.parse(loopback),
    limits: { gapMs: 0 },
  })
  let count = 0
  const order = { startUrl: `http://${hosts[0]}:${port}/0`, maxPages: pages, scope: 'site' as const }
  for await (const event of web.crawl(order, new AbortController())) {
    if ('note' in event) console.log(event.note)
    if ('page' in event && event.page.document) count++
  }
  return count
}

async function pagesASecond(deed: () => Promise<number>): Promise<number> {
  const began = performance.now()
  const count = await deed()
  if (count !== pages) throw new Error(`${count} of ${pages} pages were had`)
  return (count / (performance.now() - began)) * 1000
}

if (process.send && process.argv[2] === 'serve') await serve()
else
  await withServices(async ({ redis: url }) => {
    const server = fork(import.meta.filename, ['serve'])
    const [port] = await once(server, 'message')
    const redis = new Redis(url)
    redis.on('error', (error) => log.error({ error }, 'Redis'))
    const plain: number[] = []
    const crawled: number[] = []
    await plainFetches(Number(port))
    for (let round = 0; round < rounds(5); round++) {
      plain.push(await pagesASecond(() => plainFetches(Number(port))))
      crawled.push(await pagesASecond(() => crawl(Number(port), redis)))
    }
    console.log(`${pages.toLocaleString('en')} pages on ${hosts.length} hosts, ${availableParallelism()} cores`)
    console.log(`Plain fetches, pages a second:   ${spread(plain)}`)
    console.log(`Crawl, pages a second:           ${spread(crawled)}`)
    console.log(`Crawl ÷ plain:                   ${(median(crawled) / median(plain)).toFixed(2)}`)
    redis.disconnect()
    server.kill()
  })
