import { setImmediate } from 'node:timers/promises'
import type { DocumentLink } from '../document.ts'
import { isNoindex, readHtmlInTurns } from '../read-html.ts'
import type { Headers } from './fetch-once.ts'

/** What a fetched page holds, with absolute addresses. */
export interface VisitedPage {
  title: string
  words: number
  text: string
  /** All that lead to http and https addresses. */
  links: DocumentLink[]
  /** Under which address it wants to be known; null where it does not say, or says nothing sensible. */
  canonical: string | null
  noindex: boolean
}

const turnMs = 8

/** Reads a page; between stretches of some milliseconds others get their turn. @throws the signal's reason */
export async function readVisited(
  { url, html, headers }: { url: URL; html: string; headers: Headers },
  { signal }: { signal: AbortSignal },
): Promise<VisitedPage> {
  let began = performance.now()
  const page = await readHtmlInTurns(html, async () => {
    if (performance.now() - began < turnMs) return
    await setImmediate()
    signal.throwIfAborted()
    began = performance.now()
  })
  const base = resolve(page.base, url.href) ?? url.href
  const tag = headers('x-robots-tag')
  const nofollow = saysNofollow(tag)
  return {
    title: page.title,
    words: page.words,
    text: page.text,
    links: page.links.flatMap((link) => {
      const href = resolve(link.href, base)
      return href ? [{ ...link, href, nofollow: link.nofollow || nofollow }] : []
    }),
    canonical: resolve(page.canonical ?? canonicalOf(headers('link')), base),
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

function resolve(href: string | null, base: string): string | null {
  if (href === null || !URL.canParse(href, base)) return null
  const url = new URL(href, base)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null
}
