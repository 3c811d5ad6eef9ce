import type { DocumentLink } from './document.ts'
import { parseUrl } from './parse-url.ts'
import type { HtmlLink } from './read-html.ts'

/**
 * Resolves links to absolute addresses, as a browser does. Drops links within the page and links
 * with other schemes than http and https.
 * @param url the page's address
 * @param base the page's `<base href>`; may be relative
 */
export function absoluteLinks(
  links: readonly HtmlLink[],
  url: string,
  base: string | null,
): DocumentLink[] {
  const from = (base && absolute(base, url)) || url
  return links.flatMap(({ href, ...link }) => {
    if (href.startsWith('#')) return []
    const target = /^https?:\/\//i.test(href) ? href : absolute(href, from)
    return target ? [{ href: target, ...link }] : []
  })
}

function absolute(href: string, base: string): string | null {
  if (/^(?!https?:)[a-z][a-z\d+.-]*:/i.test(href) || !parseUrl(href, base)) return null
  const url = new URL(href, base)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null
}
