import { Readable } from 'node:stream'
import { Parser } from 'htmlparser2'
import { createEventLoopYield } from '#webindex/pages/yield-to-event-loop.ts'
import { type FetchDeps, followRedirects } from './follow-redirects.ts'
import { readBody } from './read-body.ts'

/** A sitemap of the first kind names pages, one of the second further sitemaps. */
interface Sitemap {
  pages: string[]
  sitemaps: string[]
}

const mostSitemaps = 50
/** An index may name an index; deeper ones exist by mistake. */
const mostLevels = 3
/** The protocol allows so many in one file. */
const mostEntries = 50_000
const pieceLength = 16_384
/** A sitemap has four levels at most; the parser's time grows with the square of their number. */
const mostDepth = 32

/**
 * The pages that a site's sitemaps name, file by file: those in its robots.txt, else /sitemap.xml.
 * What can't be had or read is passed over. Whoever has enough stops asking, and no further file is
 * fetched.
 */
export async function* sitemapPages(start: URL, deps: FetchDeps): AsyncGenerator<string[]> {
  const { sitemaps } = await deps.robots.rulesFor(start, deps.session)
  const first = sitemaps.length > 0 ? sitemaps : [new URL('/sitemap.xml', start).href]
  const waiting = first.map((href) => ({ href, level: 1 }))
  const asked = new Set<string>()
  for (const { href, level } of waiting) {
    if (!URL.canParse(href, start.href)) continue
    const url = new URL(href, start)
    if (asked.has(url.href) || asked.size >= mostSitemaps) continue
    asked.add(url.href)
    const sitemap = await fetchSitemap(url, deps)
    if (sitemap.pages.length > 0) yield sitemap.pages
    if (level < mostLevels)
      waiting.push(
        ...sitemap.sitemaps.slice(0, mostSitemaps).map((href) => ({ href, level: level + 1 })),
      )
  }
}

async function fetchSitemap(url: URL, deps: FetchDeps): Promise<Sitemap> {
  const { limits, signal } = deps.session
  const maxBytes = limits.maxSitemapBytes
  const isThere = ({ status }: { status: number }) => status >= 200 && status < 300
  const wish = {
    accept: 'application/xml,text/xml;q=0.9,*/*;q=0.1',
    maxBytes,
    excess: 'cut' as const,
    wants: isThere,
  }
  const answer = await followRedirects(url, wish, deps)
  if (!answer.ok || !isThere(answer)) return { pages: [], sitemaps: [] }
  const { body } = answer
  // A .gz file is packed by itself, whatever the server says of its transfer.
  const isPacked = body[0] === 0x1f && body[1] === 0x8b
  const xml = isPacked
    ? await readBody(Readable.from([body]), 'gzip', { maxBytes, excess: 'cut' }).catch(() =>
        Buffer.alloc(0),
      )
    : body
  return parseSitemap(xml.toString('utf8'), createEventLoopYield(signal))
}

export async function parseSitemap(xml: string, giveWay: () => Promise<void>): Promise<Sitemap> {
  const found: Sitemap = { pages: [], sitemaps: [] }
  let into: string[] | null = null
  let text: string | null = null
  let depth = 0
  const parser = new Parser(
    {
      onopentag(name) {
        if (++depth > mostDepth) parser.pause()
        if (name === 'url') into = found.pages
        else if (name === 'sitemap') into = found.sitemaps
        else if (name === 'loc') text = ''
      },
      ontext(piece) {
        if (text !== null) text += piece
      },
      onclosetag(name) {
        depth--
        if (name === 'url' || name === 'sitemap') into = null
        if (name !== 'loc' || text === null) return
        if (into && into.length < mostEntries) into.push(text.trim())
        text = null
      },
    },
    { xmlMode: true },
  )
  for (let at = 0; at < xml.length; at += pieceLength) {
    if (depth > mostDepth) break
    parser.write(xml.slice(at, at + pieceLength))
    await giveWay()
  }
  return found
}
