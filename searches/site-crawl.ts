import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { type DocumentSpool, openSpool } from '#crawler/document-spool.ts'
import { CannotCrawl } from '#crawler/errors.ts'
import { refusalOf } from '#crawler/web-url.ts'
import { type Column, defineSearch, type Row, type SearchContext } from '#jobs/define-search.ts'
import { SearchFailed } from '#jobs/errors.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import type { BuildProgress } from '#webindex/build/builds.ts'
import { BrokenIndex, BuildRunning, NotEnoughDisk } from '#webindex/errors.ts'
import { readTarget } from '#webindex/pages/link-target.ts'
import type { Dataset } from '#webindex/source.ts'

/** A domain or a page address, normalised to a URL; parsing the output changes nothing. */
const StartUrl = z
  .string()
  .trim()
  .min(1, 'Enter a domain or a page address, such as redis.io/docs.')
  .max(2048, 'Too long for a web address.')
  .meta({
    title: 'Start at',
    description: 'A domain or a page address.',
    examples: ['redis.io', 'https://nodejs.org/en/learn/'],
  })
  .transform((written, context) => {
    const refuse = (message: string) => {
      context.addIssue({ code: 'custom', message, input: written })
      return z.NEVER
    }
    const reading = readTarget(written)
    if (!reading.ok) return refuse(reading.reason)
    const url = new URL(
      /^https?:\/\//i.test(written) ? written : `https://${written.replace(/^\/+/, '')}`,
    )
    url.hash = ''
    const refusal = refusalOf(url)
    return refusal ? refuse(`This address can’t be crawled: ${refusal}.`) : url.href
  })

const Input = z.object({
  startUrl: StartUrl,
  maxPages: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .meta({
      title: 'Maximum pages',
      description: 'Stop after this many pages. A host is asked for at most one page a second.',
      examples: [100],
    }),
  scope: z
    .enum(['site', 'host', 'folder'])
    .default('site')
    .meta({
      title: 'Crawl',
      description:
        'The whole site with all subdomains, only this host, or only the folder of the start page.',
      labels: { site: 'Whole site', host: 'This host', folder: 'This folder' },
    }),
})
type Order = z.output<typeof Input>

interface TimeLimits {
  /** After this the crawl stops and adds the pages found so far. */
  crawlMs: number
  /** Pause between two attempts to add the pages while another build runs. */
  retryMs: number
  /** How long to wait for other builds in all. */
  maxWaitMs: number
}
/** 10,000 pages of one host take 2.8 hours. */
const defaultLimits: TimeLimits = {
  crawlMs: 3 * 60 * 60_000,
  retryMs: 3_000,
  maxWaitMs: 10 * 60_000,
}
/** How long the build may take. */
const buildMs = 30 * 60_000
const maxSpooledBytes = 1e9
const maxNameLength = 200

const columns: Column[] = [
  {
    key: 'url',
    label: 'Page',
    type: 'url',
    help: 'The address of the page, after redirects.',
  },
  {
    key: 'status',
    label: 'Status',
    type: 'number',
    help: 'The HTTP status. Empty where the page was not requested or its server did not answer.',
  },
  {
    key: 'title',
    label: 'Title',
    type: 'text',
    help: 'The title of the page; without one, its first heading.',
  },
  { key: 'words', label: 'Words', type: 'number', help: 'Words in the visible text.' },
  {
    key: 'links',
    label: 'Links',
    type: 'number',
    help: 'Links to pages on the web, repeated ones included.',
  },
  {
    key: 'depth',
    label: 'Clicks',
    type: 'number',
    help: 'Clicks from the start page. Empty for pages found only through a sitemap.',
  },
  {
    key: 'problem',
    label: 'Problem',
    type: 'text',
    help: 'Why the page was not added to the index. Empty if it was.',
  },
]

export const siteCrawl = createSiteCrawl(defaultLimits)

export function createSiteCrawl(limits: TimeLimits) {
  return defineSearch<SearchTools, typeof Input>({
    name: 'site-crawl',
    title: 'Site crawl',
    description: 'Crawl a site politely and add its pages to the index.',
    input: Input,
    timeoutMs: limits.crawlMs + limits.maxWaitMs + buildMs,
    // A crawl mostly waits: for its hosts, which it asks once a second, and for the network.
    slots: 20,
    columns,

    async *run(order, context: SearchContext<SearchTools>) {
      const spool = await openSpool()
      try {
        yield* crawlPages(order, spool, limits.crawlMs, context)
        await addToIndex(order, spool, limits, context)
      } finally {
        await spool.remove()
      }
    },
  })
}

/** Crawls for at most `crawlMs`. Yields a row per page and spools the documents to be indexed. */
async function* crawlPages(
  order: Order,
  spool: DocumentSpool,
  crawlMs: number,
  { web, signal, progress, note }: SearchContext<SearchTools>,
): AsyncGenerator<Row> {
  const outOfTime = AbortSignal.timeout(crawlMs)
  try {
    for await (const event of web.crawl(order, { signal: AbortSignal.any([signal, outOfTime]) })) {
      if ('note' in event) note(event.note)
      else if ('progress' in event)
        progress({ phase: 'Crawling', ...event.progress, unit: 'pages' })
      else {
        const { document, ...row } = event.page
        if (document) await spool.add(document)
        yield row
        if (spool.bytes > maxSpooledBytes) {
          note('The crawl stopped early: its pages reached 1 GB.')
          return
        }
      }
    }
  } catch (error) {
    if (error instanceof CannotCrawl) throw new SearchFailed(error.message)
    if (!outOfTime.aborted || signal.aborted) throw error
    note(
      `The crawl stopped early: it reached the limit of ${Math.round(crawlMs / 60_000)} minutes.`,
    )
  }
}

/** Adds the spooled pages to the index as one source. Waits while another build runs. */
async function addToIndex(
  order: Order,
  spool: DocumentSpool,
  { retryMs, maxWaitMs }: TimeLimits,
  {
    builds,
    signal,
    progress,
    note,
  }: Pick<SearchContext<SearchTools>, 'builds' | 'signal' | 'progress' | 'note'>,
): Promise<void> {
  if (spool.count === 0) {
    note('No page could be read, so nothing was added to the index.')
    return
  }
  const source: Dataset = {
    name: sourceName(order),
    kind: 'crawl',
    bytes: spool.bytes,
    async *items({ onProgress }) {
      let done = 0
      for await (const page of spool.documents()) {
        yield { page }
        onProgress({ done: ++done, total: spool.count, unit: 'pages' })
      }
    },
  }
  const onProgress = ({ phase, ...step }: BuildProgress) =>
    progress({ phase: `Adding to the index: ${phase}`, ...step })
  for (let waitedMs = 0; ; waitedMs += retryMs) {
    try {
      const { manifest, read } = await builds.add(source, { signal, onProgress })
      note(
        `Added ${counted(read.pages, 'page')} to the index as ${source.name} (generation ${manifest.id}).`,
      )
      return
    } catch (error) {
      if (error instanceof NotEnoughDisk || error instanceof BrokenIndex)
        throw new SearchFailed(error.message, { cause: error })
      if (!(error instanceof BuildRunning)) throw error
      if (waitedMs >= maxWaitMs) {
        note('The pages were not added: other index builds kept running. Crawl again to add them.')
        return
      }
      if (waitedMs === 0)
        note('Another index build is running. The pages will be added when it has ended.')
      await delay(retryMs, undefined, { signal })
    }
  }
}

/**
 * A name for the source, so that a repeated crawl replaces its own pages: `crawl:example.com`,
 * `crawl:docs.example.com/`, `crawl:docs.example.com/guide/`.
 */
function sourceName({ startUrl, scope }: Order): string {
  const reading = readTarget(startUrl)
  if (!reading.ok) throw new TypeError(reading.reason) // The schema accepted it, so this is a bug.
  const { site, host, text } = reading.target
  return `crawl:${{ site, host: `${host}/`, folder: `${text}/` }[scope]}`.slice(0, maxNameLength)
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}
