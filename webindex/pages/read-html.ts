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
/** A complete HTML page with the facts in its head. */
export interface WholeHtmlPage extends HtmlPage {
  /** As written in `<base href>`; null if there is none. */
  base: string | null
  /** The page's preferred address as in `<link rel="canonical">`; null if there is none. */
  canonical: string | null
  /** Its meta robots has noindex or none: search engines must not show the page. */
  noindex: boolean
}

/** Characters. Longer titles and anchor texts are truncated: they are whole paragraphs. */
const maxTextLength = 300
/**
 * Reading stops at deeper nesting: parse time grows with depth, and a few hundred kilobytes of
 * `<i>` would take minutes. Browsers stop at 512.
 */
const maxDepth = 2_000
/** Characters parsed without a pause: a few milliseconds at most, even for nothing but tags. */
const sliceLength = 16_384
const hiddenElements = new Set(['script', 'style', 'template', 'noscript'])
/** Elements within a line of text; the start and the end of any other element break the line. */
const inlineElements = new Set(
  'a abbr b bdi bdo cite code data del dfn em font i img ins kbd label mark q s samp small span strong sub sup svg time tt u var wbr'.split(
    ' ',
  ),
)

/** Reads what a visitor sees of a page: title, text and links. */
export function readHtml(html: string): WholeHtmlPage {
  const reader = new HtmlReader()
  reader.write(html)
  return reader.end()
}

/**
 * Like `readHtml`, for pages of any size: awaits `yieldToEventLoop`, which may throw, between
 * slices of a few milliseconds.
 */
export async function readHtmlInSlices(
  html: string,
  yieldToEventLoop: () => Promise<void>,
): Promise<WholeHtmlPage> {
  const reader = new HtmlReader()
  for (let at = 0; at < html.length; at += sliceLength) {
    reader.write(html.slice(at, at + sliceLength))
    await yieldToEventLoop()
  }
  return reader.end()
}

interface OpenLink {
  href: string
  rel: string
  text: string
  /** Alternative texts of its images. */
  alt: string
  hasImage: boolean
}

/** Collects one page from the parser's events, which call the methods named `on…`. */
class HtmlReader {
  readonly #parser = new Parser(this)
  readonly #links: HtmlLink[] = []
  #openLink: OpenLink | null = null
  #title = ''
  #inTitle = false
  #heading = ''
  #inHeading = false
  #text = ''
  #robots = ''
  #base: string | null = null
  #canonical: string | null = null
  #depth = 0
  /** How many of the open elements hide their content. */
  #hidden = 0

  write(html: string): void {
    if (this.#depth <= maxDepth) this.#parser.write(html)
  }

  end(): WholeHtmlPage {
    if (this.#depth <= maxDepth) this.#parser.end()
    else this.#closeLink()
    const text = this.#text.replace(/ ?\n[ \n]*/g, '\n').trim()
    const nofollow = isNofollow(this.#robots) || isNone(this.#robots)
    return {
      title: tidyText(this.#title) || tidyText(this.#heading),
      words: countWords(text),
      text,
      links: nofollow ? this.#links.map((link) => ({ ...link, nofollow })) : this.#links,
      base: this.#base,
      canonical: this.#canonical,
      noindex: isNoindex(this.#robots),
    }
  }

  onopentag(name: string, attributes: Record<string, string>): void {
    if (++this.#depth > maxDepth) this.#parser.pause()
    if (hiddenElements.has(name)) this.#hidden++
    if (this.#hidden) return
    if (!inlineElements.has(name)) this.#text += '\n'
    if (name === 'title' && !this.#title) this.#inTitle = true
    if (name === 'h1' && !this.#heading) this.#inHeading = true
    this.#readHead(name, attributes)
    if (name === 'a') this.#closeLink() // HTML forbids nested links: the second ends the first.
    if (name === 'a' && attributes.href) {
      const { href, rel = '' } = attributes
      this.#openLink = { href, rel, text: '', alt: '', hasImage: false }
    }
    if (this.#openLink && (name === 'img' || name === 'svg')) {
      this.#openLink.hasImage = true
      this.#openLink.alt += ` ${attributes.alt ?? ''}`
    }
  }

  ontext(text: string): void {
    if (this.#hidden) return
    if (this.#inTitle) {
      this.#title += text
      return
    }
    if (this.#inHeading) this.#heading += text
    if (this.#openLink) this.#openLink.text += text
    // The test is cheaper than the replacement, which few texts need.
    this.#text += /[^\S ]| {2}/.test(text) ? text.replace(/\s+/g, ' ') : text
  }

  onclosetag(name: string): void {
    this.#depth--
    if (hiddenElements.has(name) && this.#hidden > 0) this.#hidden--
    if (!inlineElements.has(name)) this.#text += '\n'
    if (name === 'title') this.#inTitle = false
    if (name === 'h1') this.#inHeading = false
    if (name === 'a') this.#closeLink()
  }

  onend(): void {
    this.#closeLink()
  }

  #readHead(name: string, attributes: Record<string, string>): void {
    if (name === 'base') this.#base ??= attributes.href ?? null
    if (name === 'link' && /(^|\s)canonical(\s|$)/i.test(attributes.rel ?? ''))
      this.#canonical ??= attributes.href ?? null
    if (name === 'meta' && attributes.name?.toLowerCase() === 'robots')
      this.#robots += ` ${attributes.content ?? ''}`
  }

  #closeLink(): void {
    if (!this.#openLink) return
    const { href, rel, text, alt, hasImage } = this.#openLink
    const visible = tidyText(text)
    this.#links.push({
      href: href.trim(),
      anchor: visible || tidyText(alt),
      nofollow: isNofollow(rel),
      kind: !visible && hasImage ? 'image' : 'text',
    })
    this.#openLink = null
  }
}

/** Counts the runs of letters and digits. */
export function countWords(text: string): number {
  const word = /[\p{L}\p{N}]+/gu
  let words = 0
  while (word.test(text)) words++ // Four times faster than `match`.
  return words
}

/** Puts a title or an anchor text on one line and truncates it to `maxTextLength`. */
export function tidyText(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > maxTextLength ? `${line.slice(0, maxTextLength)}…` : line
}

/** @param tokens a link’s rel, or the content of a robots meta element */
export function isNofollow(tokens: string): boolean {
  return /\b(nofollow|ugc|sponsored)\b/i.test(tokens)
}

/**
 * Rules for one crawler only (`somebot: noindex`) don’t count.
 * @param tokens the content of a robots meta element or header
 */
export function isNoindex(tokens: string): boolean {
  return /(?<![\w-]|:\s*)noindex(?![\w-])/i.test(tokens) || isNone(tokens)
}

/** `none` means noindex and nofollow, but not in `max-image-preview:none`. */
function isNone(tokens: string): boolean {
  return /(?<![\w-]|:\s*)none(?![\w-])/i.test(tokens)
}
