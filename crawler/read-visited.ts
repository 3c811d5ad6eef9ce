import type { DocumentLink } from '#webindex/pages/document.ts'
import { absoluteLinks } from '#webindex/pages/page-links.ts'
import { parseUrl } from '#webindex/pages/parse-url.ts'
import { isNoindex, readHtmlInSlices } from '#webindex/pages/read-html.ts'
import { createEventLoopYield } from '#webindex/pages/yield-to-event-loop.ts'
import type { Headers } from './fetch-once.ts'

/** The content of a fetched page, with absolute addresses. */
export interface VisitedPage {
  title: string
  words: number
  text: string
  /** The links to http and https addresses. */
  links: DocumentLink[]
  /** The canonical address that the page declares; null if it declares none or an invalid one. */
  canonical: string | null
  noindex: boolean
}

/** How many links to resolve before yielding: a page of 2 MiB may have a hundred thousand. */
const batchSize = 500

/** Reads a page and yields to the event loop every few milliseconds. @throws the signal's reason */
export async function readVisited(
  { url, html, headers }: { url: URL; html: string; headers: Headers },
  { signal }: { signal: AbortSignal },
): Promise<VisitedPage> {
  const yieldIfDue = createEventLoopYield(signal)
  const page = await readHtmlInSlices(html, yieldIfDue)
  const { title, words, text } = page
  const tag = headers('x-robots-tag')
  const links: DocumentLink[] = []
  for (let at = 0; at < page.links.length; at += batchSize) {
    for (const link of absoluteLinks(page.links.slice(at, at + batchSize), url.href, page.base))
      links.push(link)
    await yieldIfDue()
  }
  const canonical = page.canonical ?? canonicalOf(headers('link'))
  return {
    ...{ title, words, text },
    links: saysNofollow(tag) ? links.map((link) => ({ ...link, nofollow: true })) : links,
    canonical:
      canonical === null
        ? null
        : resolve(canonical, resolve(page.base ?? '', url.href) ?? url.href),
    noindex: page.noindex || isNoindex(tag),
  }
}

/** Whether X-Robots-Tag says nofollow, other than to a single crawler (`somebot: nofollow`). */
function saysNofollow(tag: string): boolean {
  return /(?<![\w-]|:\s*)(nofollow|none)(?![\w-])/i.test(tag)
}

/** `Link: <https://a.com/b>; rel="canonical"` */
function canonicalOf(header: string): string | null {
  return /<([^>]*)>\s*;[^,<]*\brel\s*=\s*"?canonical\b/i.exec(header)?.[1] ?? null
}

function resolve(href: string, base: string): string | null {
  if (!parseUrl(href, base)) return null
  const url = new URL(href, base)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null
}
