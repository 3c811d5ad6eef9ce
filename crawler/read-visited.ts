import type { DocumentLink } from '#webindex/pages/document.ts'
import { absoluteLinks } from '#webindex/pages/page-links.ts'
import { isNoindex, readHtmlInSlices } from '#webindex/pages/read-html.ts'
import { createEventLoopYield } from '#webindex/pages/yield-to-event-loop.ts'
import type { Headers } from './fetch-once.ts'

/** What a fetched page holds, with absolute addresses. */
export interface VisitedPage {
  title: string
  words: number
  text: string
  /** All that lead to http and https addresses. */
  links: DocumentLink[]
  /**
   * Under which address it wants to be known; null where it does not say, or says nothing sensible.
   */
  canonical: string | null
  noindex: boolean
}

/** Links that are looked at in one stretch: a page of two megabytes may have a hundred thousand. */
const pieceLength = 500

/**
 * Reads a page; between stretches of some milliseconds others get their turn.
 * @throws the signal's reason
 */
export async function readVisited(
  { url, html, headers }: { url: URL; html: string; headers: Headers },
  { signal }: { signal: AbortSignal },
): Promise<VisitedPage> {
  const giveWay = createEventLoopYield(signal)
  const page = await readHtmlInSlices(html, giveWay)
  const { title, words, text } = page
  const tag = headers('x-robots-tag')
  const links: DocumentLink[] = []
  for (let at = 0; at < page.links.length; at += pieceLength) {
    for (const link of absoluteLinks(page.links.slice(at, at + pieceLength), url.href, page.base))
      links.push(link)
    await giveWay()
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

/** Of the robots header; what it says to one crawler alone (`somebot: nofollow`) does not count. */
function saysNofollow(tag: string): boolean {
  return /(?<![\w-]|:\s*)(nofollow|none)(?![\w-])/i.test(tag)
}

/** `Link: <https://a.com/b>; rel="canonical"` */
function canonicalOf(header: string): string | null {
  return /<([^>]*)>\s*;[^,<]*\brel\s*=\s*"?canonical\b/i.exec(header)?.[1] ?? null
}

function resolve(href: string, base: string): string | null {
  if (!URL.canParse(href, base)) return null
  const url = new URL(href, base)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null
}
