import { Marked } from 'marked'
import { type HtmlPage, readHtml, readHtmlInSlices } from './read-html.ts'

const marked = new Marked({ gfm: true, async: false })
const frontMatter = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---(?:\r?\n|$)/
/** Characters parsed without a pause: about ten milliseconds of work. */
const sliceLength = 8_192

/**
 * Reads Markdown as a code host renders it: bare URLs are links, URLs in code are not. A title in
 * the front matter takes precedence.
 */
export function readMarkdown(markdown: string): HtmlPage {
  const { title, body } = withoutFrontMatter(markdown)
  return titled(readHtml(toHtml(body)), title)
}

/**
 * Like `readMarkdown`, for texts of any length: awaits `yieldToEventLoop`, which may throw, between
 * sections. It never splits a section, however long.
 */
export async function readMarkdownInSlices(
  markdown: string,
  yieldToEventLoop: () => Promise<void>,
): Promise<HtmlPage> {
  const { title, body } = withoutFrontMatter(markdown)
  // A link `[text][name]` may be defined in another section, so each section gets all definitions.
  const definitions = (body.match(/^ {0,3}\[[^\]\n]+\]:[^\n]*$/gm) ?? []).join('\n')
  let html = ''
  for (const section of sections(body, Math.max(sliceLength, definitions.length))) {
    html += toHtml(`${section}\n\n${definitions}`)
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

function titled({ title, words, text, links }: HtmlPage, override: string | undefined): HtmlPage {
  return { title: override ?? title, words, text, links }
}

/**
 * Splits before headings into sections of at least `length` characters. A `#` in a code block or a
 * comment is not a heading.
 */
function sections(markdown: string, length: number): string[] {
  const complete: string[] = []
  let from = 0
  let at = 0
  let fence = ''
  let comment = false
  for (const line of markdown.split(/(?<=\n)/)) {
    if (!fence && !comment && at - from >= length && /^#{1,6} /.test(line)) {
      complete.push(markdown.slice(from, at))
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
  return [...complete, markdown.slice(from)]
}
