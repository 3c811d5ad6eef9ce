import { Readable } from 'node:stream'
import { Parser } from 'htmlparser2'
import { parseUrl } from '#webindex/pages/parse-url.ts'
import { createEventLoopYield } from '#webindex/pages/yield-to-event-loop.ts'
import { type FetchDeps, followRedirects } from './follow-redirects.ts'
import { readBody } from './read-body.ts'

/** A sitemap lists pages; a sitemap index lists further sitemaps. */
interface Sitemap {
  pages: string[]
  sitemaps: string[]
}

const maxSitemaps = 50
/** An index may list indexes; deeper nesting is a mistake. */
const maxLevels = 3
/** The limit of the sitemap protocol for one file. */
const maxEntries = 50_000
/** In characters, parsed before yielding. */
const pieceLength = 16_384
/**
 * A sitemap has at most four levels of elements. Parsing time grows with the square of the depth.
 */
const maxDepth = 32

/**
 * The pages in a site's sitemaps, file by file: the sitemaps in its robots.txt, else /sitemap.xml.
 * Skips files that can't be fetched or read. Fetches each file only when the consumer asks for it.
 */
export async function* sitemapPages(start: URL, deps: FetchDeps): AsyncGenerator<string[]> {
  const { sitemaps } = await deps.robots.rulesFor(start, deps.session)
  const first = sitemaps.length > 0 ? sitemaps : [new URL('/sitemap.xml', start).href]
  const queue = first.map((href) => ({ href, level: 1 }))
  const requested = new Set<string>()
  for (const { href, level } of queue) {
    if (!parseUrl(href, start.href)) continue
    const url = new URL(href, start)
    if (requested.has(url.href) || requested.size >= maxSitemaps) continue
    requested.add(url.href)
    const sitemap = await fetchSitemap(url, deps)
    if (sitemap.pages.length > 0) yield sitemap.pages
    if (level < maxLevels)
      queue.push(
        ...sitemap.sitemaps.slice(0, maxSitemaps).map((href) => ({ href, level: level + 1 })),
      )
  }
}

async function fetchSitemap(url: URL, deps: FetchDeps): Promise<Sitemap> {
  const { limits, signal } = deps.session
  const maxBytes = limits.maxSitemapBytes
  const isFound = ({ status }: { status: number }) => status >= 200 && status < 300
  const request = {
    accept: 'application/xml,text/xml;q=0.9,*/*;q=0.1',
    maxBytes,
    excess: 'cut' as const,
    wants: isFound,
  }
  const answer = await followRedirects(url, request, deps)
  if (!answer.ok || !isFound(answer)) return { pages: [], sitemaps: [] }
  const { body } = answer
  // A .gz file is gzipped itself, independently of its Content-Encoding.
  const isGzipped = body[0] === 0x1f && body[1] === 0x8b
  const xml = isGzipped
    ? await readBody(Readable.from([body]), 'gzip', { maxBytes, excess: 'cut' }).catch(() =>
        Buffer.alloc(0),
      )
    : body
  return parseSitemap(xml.toString('utf8'), createEventLoopYield(signal))
}

export async function parseSitemap(xml: string, yieldIfDue: () => Promise<void>): Promise<Sitemap> {
  const found: Sitemap = { pages: [], sitemaps: [] }
  let list: string[] | null = null
  let text: string | null = null
  let depth = 0
  const parser = new Parser(
    {
      onopentag(name) {
        if (++depth > maxDepth) parser.pause()
        if (name === 'url') list = found.pages
        else if (name === 'sitemap') list = found.sitemaps
        else if (name === 'loc') text = ''
      },
      ontext(piece) {
        if (text !== null) text += piece
      },
      onclosetag(name) {
        depth--
        if (name === 'url' || name === 'sitemap') list = null
        if (name !== 'loc' || text === null) return
        if (list && list.length < maxEntries) list.push(text.trim())
        text = null
      },
    },
    { xmlMode: true },
  )
  for (let at = 0; at < xml.length; at += pieceLength) {
    if (depth > maxDepth) break
    parser.write(xml.slice(at, at + pieceLength))
    await yieldIfDue()
  }
  return found
}
