import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { v7 as uuidV7 } from 'uuid'
import { createJob } from '#jobs/redis/create-job.ts'
import type { JobStore } from '#jobs/redis/store.ts'

const pages = 30
const page = (n: number) =>
  `<html><title>Page ${n}</title><body>${Array.from({ length: pages }, (_, i) => `<a href="/${i}">page ${i}</a>`).join(' ')}</body></html>`

/** A site of 30 pages at every loopback address. A polite crawl of it takes half a minute. */
export async function serveSites() {
  const server = createServer((request, response) => {
    const n = Number(request.url?.slice(1) || 0)
    response.writeHead(request.url === '/robots.txt' ? 404 : 200, { 'Content-Type': 'text/html' })
    response.end(page(n))
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as AddressInfo
  return {
    /** The address of the n-th site. */
    url: (n: number) => `http://127.0.${1 + (n >> 7)}.${1 + (n & 127)}:${port}/`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** For workers that are to crawl these sites. */
export const crawlSettings = {
  CRAWL_ALLOW_PRIVATE: '127.0.0.0/8',
  WORKER_CONCURRENCY: 'site-crawl=50',
}

/** Starts a search of a user of its own. */
export async function startAlone(
  search: string,
  input: Record<string, unknown>,
  store: JobStore,
): Promise<string> {
  const id = `0-${uuidV7()}`
  await createJob(
    { id, userId: `user-${id}`, search, input },
    { inAll: 10_000, perUser: null },
    store,
  )
  return id
}
