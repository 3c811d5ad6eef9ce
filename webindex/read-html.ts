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

/** Longer anchors and titles are cut: they are someone's whole paragraph wrapped in a link. */
const maxTextLength = 300
const unseen = new Set(['script', 'style', 'template', 'noscript'])
/** These stand in the midst of a sentence; whatever else begins or ends parts it. */
const inline = new Set(
  'a abbr b bdi bdo cite code data del dfn em font i img ins kbd label mark q s samp small span strong sub sup svg time tt u var wbr'.split(
    ' ',
  ),
)

/** Reads what a visitor of a page sees of it: title, number of words, and links. */
export function readHtml(html: string): HtmlPage {
  const links: HtmlLink[] = []
  let title = ''
  let heading = ''
  let words = 0
  let shown = ''
  let hidden = 0
  let inTitle = false
  let inHeading = false
  let pageNofollow = false
  let open: { href: string; rel: string; text: string; alt: string; image: boolean } | null = null

  function closeLink() {
    if (!open) return
    const text = tidy(open.text)
    const kind = !text && open.image ? 'image' : 'text'
    links.push({ href: open.href.trim(), anchor: text || tidy(open.alt), nofollow: isNofollow(open.rel), kind })
    open = null
  }

  const parser = new Parser({
    onopentag(name, attributes) {
      if (unseen.has(name)) hidden++
      if (hidden) return
      if (!inline.has(name)) shown += '\n'
      if (name === 'title' && !title) inTitle = true
      if (name === 'h1' && !heading) inHeading = true
      if (name === 'meta' && attributes.name?.toLowerCase() === 'robots') pageNofollow ||= isNofollow(attributes.content ?? '')
      if (name === 'a') closeLink() // HTML allows no link in a link: the second one ends the first.
      if (name === 'a' && attributes.href)
        open = { href: attributes.href, rel: attributes.rel ?? '', text: '', alt: '', image: false }
      if (open && (name === 'img' || name === 'svg')) open = { ...open, image: true, alt: `${open.alt} ${attributes.alt ?? ''}` }
    },
    ontext(text) {
      if (hidden) return
      if (inTitle) {
        title += text
        return
      }
      if (inHeading) heading += text
      if (open) open.text += text
      shown += text.replace(/\s+/g, ' ')
      words += text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0
    },
    onclosetag(name) {
      if (unseen.has(name) && hidden > 0) hidden--
      if (!inline.has(name)) shown += '\n'
      if (name === 'title') inTitle = false
      if (name === 'h1') inHeading = false
      if (name === 'a') closeLink()
    },
    onend: closeLink,
  })
  parser.end(html)
  return {
    title: tidy(title) || tidy(heading),
    words,
    text: shown.replace(/ ?\n[ \n]*/g, '\n').trim(),
    links: pageNofollow ? links.map((link) => ({ ...link, nofollow: true })) : links,
  }
}

function tidy(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > maxTextLength ? `${line.slice(0, maxTextLength)}…` : line
}

function isNofollow(tokens: string): boolean {
  return /\b(nofollow|ugc|sponsored)\b/i.test(tokens)
}
