/**
 * How fast a crawl is where politeness does not hold it back, against plain fetches of the same
 * pages: the price of robots.txt, turns over Redis, checked addresses, limits, reading the pages
 * and telling of them. The bar is half of their pages a second.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { availableParallelism } from 'node:os'
import { Redis } from 'ioredis'
import { Agent, fetch } from 'undici'
import { AllowPrivate } from '#crawler/allowed-addresses.ts'
import { createWeb } from '#crawler/create-web.ts'
import type { HostTurns } from '#crawler/host-turns.ts'
import { createHostLeases } from '#workers/host-leases.ts'
import { log, median, rounds, spread, withServices } from './measure.ts'

const hosts = Array.from({ length: 8 }, (_, i) => `h${i}.example.com`)
const pagesPerHost = 250
const pages = hosts.length * pagesPerHost
const loopback = '127.0.0.1'

/**
 * In paragraphs of half a kilobyte, each with a link: a small page, and one of a usual size. The
 * larger it is, the more its reading weighs.
 */
const sizes = [6, 60]

/** It links to the next ones of its host, to all hosts, and out of the site. */
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

/** In a process of its own, so that its work is not counted as the crawler's. */
async function serve(): Promise<void> {
  const made = new Map<string, string>()
  const server = createServer(({ url = '' }, response) => {
    const [, size, number] = /^\/(\d+)\/(\d+)$/.exec(url) ?? []
    if (size === undefined) return response.writeHead(404).end()
    const html = made.get(url) ?? page(Number(size), Number(number), addressOf(server).port)
    made.set(url, html)
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

interface Ground {
  port: number
  size: number
}

/** The same pages, as many at once: one after the other at each of the hosts. */
async function plainFetches({ port, size }: Ground): Promise<number> {
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

/** Nobody else is at the hosts, and nobody waits. */
const noTurns: HostTurns = { take: async () => ({ granted: true }), end: async () => {} }

async function crawl({ port, size }: Ground, turns: HostTurns): Promise<number> {
  const web = createWeb({
    turns,
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
    const turns = createHostLeases({ redis, namespace: 'bench' })
    console.log(
      `${pages.toLocaleString('en')} pages on ${hosts.length} hosts, ${availableParallelism()} cores`,
    )
    for (const size of sizes) {
      const ground = { port: Number(port), size }
      const plain: number[] = []
      const crawled: number[] = []
      const inTurn: number[] = []
      // Once before: the server makes its pages, and both codes are warm.
      await plainFetches(ground)
      await crawl(ground, noTurns)
      for (let round = 0; round < rounds(5); round++) {
        plain.push(await pagesASecond(() => plainFetches(ground)))
        crawled.push(await pagesASecond(() => crawl(ground, noTurns)))
        inTurn.push(await pagesASecond(() => crawl(ground, turns)))
      }
      const bytes = page(size, 1, ground.port).length
      const ratio = (values: number[]) => (median(values) / median(plain)).toFixed(2)
      console.log(`Pages of ${(bytes / 1000).toFixed(1)} kB, pages a second:`)
      console.log(`  plain fetches              ${spread(plain)}`)
      console.log(`  crawl, politeness off      ${spread(crawled)}   ÷ plain: ${ratio(crawled)}`)
      console.log(`  crawl, turns over Redis    ${spread(inTurn)}   ÷ plain: ${ratio(inTurn)}`)
    }
    redis.disconnect()
    server.kill()
  })
