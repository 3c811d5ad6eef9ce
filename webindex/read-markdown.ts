import { Marked } from 'marked'
import { type HtmlPage, readHtml } from './read-html.ts'

const marked = new Marked({ gfm: true, async: false })
const frontMatter = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---(?:\r?\n|$)/

/** Reads Markdown as a code host shows it: bare URLs are links, URLs in code are not; front matter gives the title. */
export function readMarkdown(markdown: string): HtmlPage {
  const matter = frontMatter.exec(markdown)
  const page = readHtml(marked.parse(markdown.slice(matter?.[0].length ?? 0), { async: false }))
  const title = /^title:[ \t]*(['"]?)(.+?)\1[ \t]*$/m.exec(matter?.[1] ?? '')?.[2]
  return title ? { ...page, title } : page
}
