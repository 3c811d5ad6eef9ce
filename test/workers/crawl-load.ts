import { createServer } from 'node:http'
import { v7 as uuidV7 } from 'uuid'
import { AllowPrivate } from '#crawler/allowed-addresses.ts'
import { createWeb } from '#crawler/create-web.ts'
import type { Search } from '#jobs/define-search.ts'
import type { Log } from '#jobs/log.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { closeQueues, openQueues } from '#jobs/redis/queue.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { TypeSlots } from '#jobs/redis/type-slots.ts'
import { keywords } from '#searches/keywords.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import { siteCrawl } from '#searches/site-crawl.ts'
import { createBuilds } from '#webindex/build/build-index.ts'
import { createIndexEngine } from '#webindex/query/engine.ts'
import { createHostLeases } from '#workers/host-leases.ts'
import { createRunningJobs } from '#workers/running-jobs.ts'
import { openTools } from '#workers/search-tools.ts'
import { createSearchWorker } from '#workers/search-worker.ts'

const pages = 30
const loopback = '127.0.0.1'
const now = () => new Date()
const page = (n: number) =>
  `<html><title>Page ${n}</title><body>${Array.from({ length: pages }, (_, i) => `<a href="/${i}">page ${i}</a>`).join(' ')}</body></html>`

/** Any number of sites of 30 pages; a polite crawl of one takes half a minute. */
async function serveSites() {
  const server = createServer((request, response) => {
    const n = Number(request.url?.slice(1) || 0)
    response.writeHead(Number.isNaN(n) ? 404 : 200, { 'Content-Type': 'text/html' }).end(page(n))
  })
  await new Promise<void>((resolve) => server.listen(0, loopback, resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: (n: number) => `http://site-${n}.com:${port}/`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** One worker, in this process, that crawls up to fifty sites at once and searches for keywords. */
export async function openCrawlLoad(store: JobStore, indexDir: string, log: Log) {
  const sites = await serveSites()
  const engine = await createIndexEngine({ dir: indexDir })
  const { redis, namespace } = store
  const queues = openQueues(redis, store)
  const shared = {
    engine,
    web: createWeb({
      leases: createHostLeases({ redis, namespace }),
      userAgent: 'Searchlight/0.1.0',
      now,
      lookup: async () => [{ address: loopback, family: 4 }],
      allowPrivate: AllowPrivate.parse(loopback),
    }),
    builds: createBuilds({ dir: indexDir, now }),
    imports: { find: () => Promise.reject(new Error('There are no imports')) },
    findEarlier: async () => null,
  }
  const types: Search<SearchTools>[] = [siteCrawl, keywords]
  const deps = {
    store,
    queues,
    running: createRunningJobs(),
    archiver: { wake() {}, idle: async () => {} },
    findSearch: (name: string) => types.find((type) => type.name === name),
    openTools: (job: string) => openTools(job, shared),
    log,
  }
  const workers = [
    { search: siteCrawl.name, slots: new TypeSlots(50) },
    { search: keywords.name, slots: new TypeSlots(4) },
  ].map((type) => createSearchWorker({ namespace, number: 0 }, { ...type, name: 'load:1' }, deps))
  for (const worker of workers) worker.run()

  /** Starts a search of a user of its own. */
  async function start(search: string, input: Record<string, unknown>): Promise<string> {
    const id = `0-${uuidV7()}`
    const job = { id, userId: `user-${id}`, search, input }
    await createJob(job, { inAll: 10_000, perUser: null }, store)
    return id
  }

  return {
    startCrawl: (n: number) =>
      start(siteCrawl.name, { startUrl: sites.url(n), maxPages: pages, scope: 'site' }),
    startKeywords: () => start(keywords.name, { q: 'example' }),
    async close(): Promise<void> {
      deps.running.handBackAll()
      await Promise.all(workers.map((worker) => worker.close()))
      await closeQueues(queues)
      engine.close()
      sites.close()
    },
  }
}
