import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { type DocumentSpool, openSpool } from '#crawler/document-spool.ts'
import { CannotCrawl } from '#crawler/errors.ts'
import { refusalOf } from '#crawler/web-url.ts'
import { defineSearch, type SearchContext } from '#jobs/define-search.ts'
import { SearchFailed } from '#jobs/errors.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import type { BuildProgress } from '#webindex/build/builds.ts'
import { BrokenIndex, BuildRunning, NotEnoughDisk } from '#webindex/errors.ts'
import { readTarget } from '#webindex/pages/link-target.ts'
import type { Dataset } from '#webindex/source.ts'

/** A domain or the address of a page; it comes out as an address that reads as the same again. */
const StartUrl = z
  .string()
  .trim()
  .min(1, 'Enter a domain or the address of a page, such as redis.io/docs.')
  .max(2048, 'This is too long for a web address.')
  .meta({
    title: 'Start at',
    description: 'Where the crawl begins: a domain or the address of a page.',
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
      title: 'Pages',
      description: 'Stop after this many pages. One page a second is asked for at most.',
      examples: [100],
    }),
  scope: z
    .enum(['site', 'host', 'folder'])
    .default('site')
    .meta({
      title: 'Crawl',
      description:
        'The whole site with all its subdomains, only this host, or only what lies in the folder of the start page.',
      labels: { site: 'Whole site', host: 'This host', folder: 'This folder' },
    }),
})
type Order = z.output<typeof Input>

interface Patience {
  /** What was found by then is added. */
  crawlMs: number
  /** While another build is running: between two tries, and in all. */
  retryMs: number
  mostWaitMs: number
}
/** 10,000 pages of one host take 2.8 hours. */
const usualPatience: Patience = {
  crawlMs: 3 * 60 * 60_000,
  retryMs: 3_000,
  mostWaitMs: 10 * 60_000,
}
/** For the build. */
const addMs = 30 * 60_000
/** Of the documents on their way to the index. */
const mostSpooledBytes = 1e9
/** Of a source. */
const longestName = 200

export const siteCrawl = createSiteCrawl(usualPatience)

export function createSiteCrawl(patience: Patience) {
  return defineSearch<SearchTools, typeof Input>({
    name: 'site-crawl',
    title: 'Site crawl',
    description: 'Visits the pages of a site, politely, and adds them to the index.',
    input: Input,
    timeoutMs: patience.crawlMs + patience.mostWaitMs + addMs,
    columns: [
      {
        key: 'url',
        label: 'Page',
        type: 'url',
        help: 'The address of the page; where it redirected, the one that it led to.',
      },
      {
        key: 'status',
        label: 'Status',
        type: 'number',
        help: 'The HTTP status; empty where the page was not asked for or did not answer.',
      },
      {
        key: 'title',
        label: 'Title',
        type: 'text',
        help: 'The title of the page, or else its first heading.',
      },
      { key: 'words', label: 'Words', type: 'number', help: 'Words in the visible text.' },
      {
        key: 'links',
        label: 'Links',
        type: 'number',
        help: 'Links to pages on the web, repeated ones counted.',
      },
      {
        key: 'depth',
        label: 'Clicks',
        type: 'number',
        help: 'Clicks from the start page; empty for what only the sitemap names.',
      },
      {
        key: 'problem',
        label: 'Problem',
        type: 'text',
        help: 'Why the page is not added to the index.',
      },
    ],

    async *run(order, { web, builds, signal, progress, note }: SearchContext<SearchTools>) {
      const spool = await openSpool()
      try {
        const outOfTime = AbortSignal.timeout(patience.crawlMs)
        try {
          for await (const event of web.crawl(order, {
            signal: AbortSignal.any([signal, outOfTime]),
          })) {
            if ('note' in event) note(event.note)
            else if ('progress' in event)
              progress({ phase: 'Crawling', ...event.progress, unit: 'pages' })
            else {
              const { document, ...row } = event.page
              if (document) await spool.add(document)
              yield row
              if (spool.bytes > mostSpooledBytes) {
                note('The crawl ends early: its pages have reached 1 GB.')
                break
              }
            }
          }
        } catch (error) {
          if (error instanceof CannotCrawl) throw new SearchFailed(error.message)
          if (!outOfTime.aborted || signal.aborted) throw error
          note(
            `The crawl ends early: it may take ${Math.round(patience.crawlMs / 60_000)} minutes.`,
          )
        }
        await addToIndex(order, spool, patience, { builds, signal, progress, note })
      } finally {
        await spool.remove()
      }
    },
  })
}

async function addToIndex(
  order: Order,
  spool: DocumentSpool,
  { retryMs, mostWaitMs }: Patience,
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
      if (waitedMs >= mostWaitMs) {
        note(
          'The pages were not added: the index was being built by others all the time. Crawl again to add them.',
        )
        return
      }
      if (waitedMs === 0)
        note('The index is being built by others; the pages are added after that.')
      await delay(retryMs, undefined, { signal })
    }
  }
}

/**
 * The same crawl again replaces what it has found before: `crawl:example.com`,
 * `crawl:docs.example.com/`, `crawl:docs.example.com/guide/`.
 */
function sourceName({ startUrl, scope }: Order): string {
  const reading = readTarget(startUrl)
  if (!reading.ok) throw new TypeError(reading.reason) // The schema has let it through, so this is our own mistake.
  const { site, host, text } = reading.target
  return `crawl:${{ site, host: `${host}/`, folder: `${text}/` }[scope]}`.slice(0, longestName)
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}
