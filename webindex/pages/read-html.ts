import { Parser } from 'htmlparser2'

export interface HtmlLink {
  /** As written in the page; may be relative. */
  href: string
  anchor: string
  nofollow: boolean
  kind: 'text' | 'image'
}
export interface HtmlPage {
  /** `<title>`, else the first `<h1>`, else ''. */
  title: string
  words: number
  /** The visible text without the title; a line break wherever a block, a cell or a line ends. */
  text: string
  links: HtmlLink[]
}
/** What only a whole HTML page says of itself. */
export interface WholeHtmlPage extends HtmlPage {
  /** As written in `<base href>`; null where there is none. */
  base: string | null
  /** As written in `<link rel="canonical">`: under which address the page wants to be known. */
  canonical: string | null
  /** Its meta robots says noindex or none: search engines shall not show it. */
  noindex: boolean
}

/** Longer anchors and titles are cut: they are someone's whole paragraph wrapped in a link. */
const maxTextLength = 300
/**
 * What stands deeper is not read: the parser's time grows with depth, and a few hundred kilobytes
 * of `<i>` would take it minutes. Browsers stop at 512.
 */
const maxDepth = 2_000
/** In characters: takes a few milliseconds at most, also where it is nothing but tags. */
const turnLength = 16_384
const unseen = new Set(['script', 'style', 'template', 'noscript'])
/** These stand in the midst of a sentence; whatever else begins or ends parts it. */
const inline = new Set(
  'a abbr b bdi bdo cite code data del dfn em font i img ins kbd label mark q s samp small span strong sub sup svg time tt u var wbr'.split(
    ' ',
  ),
)

/** Reads what a visitor of a page sees of it: title, number of words, and links. */
export function readHtml(html: string): WholeHtmlPage {
  const reader = htmlReader()
  reader.write(html)
  return reader.end()
}

/**
 * The same for pages of any size: between stretches of a few milliseconds it waits for `yieldToEventLoop`,
 * which may throw.
 */
export async function readHtmlInSlices(
  html: string,
  yieldToEventLoop: () => Promise<void>,
): Promise<WholeHtmlPage> {
  const reader = htmlReader()
  for (let at = 0; at < html.length; at += turnLength) {
    reader.write(html.slice(at, at + turnLength))
    await yieldToEventLoop()
  }
  return reader.end()
}

function htmlReader() {
  const links: HtmlLink[] = []
  let title = ''
  let heading = ''
  let shown = ''
  let depth = 0
  let hidden = 0
  let inTitle = false
  let inHeading = false
  let robots = ''
  let base: string | null = null
  let canonical: string | null = null
  let open: { href: string; rel: string; text: string; alt: string; image: boolean } | null = null

  function closeLink() {
    if (!open) return
    const text = tidyText(open.text)
    const kind = !text && open.image ? 'image' : 'text'
    links.push({
      href: open.href.trim(),
      anchor: text || tidyText(open.alt),
      nofollow: isNofollow(open.rel),
      kind,
    })
    open = null
  }

  const parser = new Parser({
    onopentag(name, attributes) {
      if (++depth > maxDepth) parser.pause()
      if (unseen.has(name)) hidden++
      if (hidden) return
      if (!inline.has(name)) shown += '\n'
      if (name === 'title' && !title) inTitle = true
      if (name === 'h1' && !heading) inHeading = true
      if (name === 'base') base ??= attributes.href ?? null
      if (name === 'link' && /(^|\s)canonical(\s|$)/i.test(attributes.rel ?? ''))
        canonical ??= attributes.href ?? null
      if (name === 'meta' && attributes.name?.toLowerCase() === 'robots')
        robots += ` ${attributes.content ?? ''}`
      if (name === 'a') closeLink() // HTML allows no link in a link: the second one ends the first.
      if (name === 'a' && attributes.href)
        open = { href: attributes.href, rel: attributes.rel ?? '', text: '', alt: '', image: false }
      if (open && (name === 'img' || name === 'svg'))
        open = { ...open, image: true, alt: `${open.alt} ${attributes.alt ?? ''}` }
    },
    ontext(text) {
      if (hidden) return
      if (inTitle) {
        title += text
        return
      }
      if (inHeading) heading += text
      if (open) open.text += text
      // Most pieces of text need nothing done to them.
      shown += /[^\S ]| {2}/.test(text) ? text.replace(/\s+/g, ' ') : text
    },
    onclosetag(name) {
      depth--
      if (unseen.has(name) && hidden > 0) hidden--
      if (!inline.has(name)) shown += '\n'
      if (name === 'title') inTitle = false
      if (name === 'h1') inHeading = false
      if (name === 'a') closeLink()
    },
    onend: closeLink,
  })
  return {
    write(html: string) {
      if (depth <= maxDepth) parser.write(html)
    },
    end(): WholeHtmlPage {
      if (depth <= maxDepth) parser.end()
      else closeLink()
      const text = shown.replace(/ ?\n[ \n]*/g, '\n').trim()
      return {
        title: tidyText(title) || tidyText(heading),
        words: countWords(text),
        text,
        links:
          isNofollow(robots) || isNone(robots)
            ? links.map((link) => ({ ...link, nofollow: true }))
            : links,
        base,
        canonical,
        noindex: isNoindex(robots),
      }
    },
  }
}

/** Runs of letters and digits. */
export function countWords(text: string): number {
  const word = /[\p{L}\p{N}]+/gu
  let words = 0
  while (word.test(text)) words++ // Four times faster than to have all of them as strings.
  return words
}

/** On one line, and cut where it is longer than any title or link text. */
export function tidyText(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > maxTextLength ? `${line.slice(0, maxTextLength)}…` : line
}

/** @param tokens of a link's rel, or of a robots meta element */
export function isNofollow(tokens: string): boolean {
  return /\b(nofollow|ugc|sponsored)\b/i.test(tokens)
}

/**
 * @param tokens of a robots meta element or header; what is addressed to one crawler alone
 * (`somebot: noindex`) does not count
 */
export function isNoindex(tokens: string): boolean {
  return /(?<![\w-]|:\s*)noindex(?![\w-])/i.test(tokens) || isNone(tokens)
}

/** Short for noindex and nofollow; in `max-image-preview:none` it is something else. */
function isNone(tokens: string): boolean {
  return /(?<![\w-]|:\s*)none(?![\w-])/i.test(tokens)
}
