import { Marked } from 'marked'
import { type HtmlPage, readHtml, readHtmlInSlices } from './read-html.ts'

const marked = new Marked({ gfm: true, async: false })
const frontMatter = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---(?:\r?\n|$)/
/** Parsed in one go, in characters: takes some ten milliseconds. */
const pieceLength = 8_192

/**
 * Reads Markdown as a code host shows it: bare URLs are links, URLs in code are not; front matter
 * gives the title.
 */
export function readMarkdown(markdown: string): HtmlPage {
  const { title, body } = withoutFrontMatter(markdown)
  return titled(readHtml(toHtml(body)), title)
}

/**
 * The same for long ones: it waits for `yieldToEventLoop`, which may throw, between sections. One section
 * that is very long is still parsed in one go.
 */
export async function readMarkdownInSlices(
  markdown: string,
  yieldToEventLoop: () => Promise<void>,
): Promise<HtmlPage> {
  const { title, body } = withoutFrontMatter(markdown)
  // The addresses of `[text][name]` may stand in any section, so each is given all of them.
  const names = (body.match(/^ {0,3}\[[^\]\n]+\]:[^\n]*$/gm) ?? []).join('\n')
  let html = ''
  for (const piece of sections(body, Math.max(pieceLength, names.length))) {
    html += toHtml(`${piece}\n\n${names}`)
    await yieldToEventLoop()
  }
  return titled(await readHtmlInSlices(html, yieldToEventLoop), title)
}

function toHtml(markdown: string): string {
  return marked.parse(markdown, { async: false })
}

function withoutFrontMatter(markdown: string): { title: string | undefined; body: string } {
  const matter = frontMatter.exec(markdown)
  const title = /^title:[ \t]*(['"]?)(.+?)\1[ \t]*$/m.exec(matter?.[1] ?? '')?.[2]
  return { title, body: markdown.slice(matter?.[0].length ?? 0) }
}

function titled({ title, words, text, links }: HtmlPage, given: string | undefined): HtmlPage {
  return { title: given ?? title, words, text, links }
}

/** Cut before headings, but not within code and comments, where a `#` is none. */
function sections(markdown: string, length: number): string[] {
  const pieces: string[] = []
  let from = 0
  let at = 0
  let fence = ''
  let comment = false
  for (const line of markdown.split(/(?<=\n)/)) {
    if (!fence && !comment && at - from >= length && /^#{1,6} /.test(line)) {
      pieces.push(markdown.slice(from, at))
      from = at
    }
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? ''
    if (!fence) fence = mark
    else if (mark.startsWith(fence)) fence = ''
    const opened = line.lastIndexOf('<!--')
    const closed = line.lastIndexOf('-->')
    if (opened !== closed) comment = opened > closed
    at += line.length
  }
  return [...pieces, markdown.slice(from)]
}
