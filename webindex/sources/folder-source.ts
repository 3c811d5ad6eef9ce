import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { decodeText } from '../pages/decode-text.ts'
import type { WebDocument } from '../pages/document.ts'
import { absoluteLinks } from '../pages/page-links.ts'
import { type HtmlPage, readHtmlInSlices } from '../pages/read-html.ts'
import { readMarkdownInSlices } from '../pages/read-markdown.ts'
import { addressOf } from '../pages/web-address.ts'
import { createEventLoopYield } from '../pages/yield-to-event-loop.ts'
import type { Dataset } from '../source.ts'
import { BadSource } from './bad-source.ts'
import { countNoPages } from './no-pages.ts'
import { findSourceFiles, type SourceFile, totalBytes } from './source-files.ts'

export interface FolderSourceOptions {
  /** A folder, or one file. Symbolic links are not followed. */
  path: string
  /** The address at which the folder stands on the web: `https://example.org/docs`. */
  baseUrl: string
  /** `html:` and the base URL, unless given. */
  name?: string
}

const maxHtmlBytes = 8 * 1024 * 1024
/**
 * A section of Markdown is parsed in one go: where there is but one, so much takes about a second.
 */
const maxMarkdownBytes = 512 * 1024

const markdown = /\.(md|markdown)$/i
const html = /\.(html?|xhtml)$/i
/** What a server shows for a folder, best first. */
const folderPages = [
  /^index\.(html?|xhtml)$/i,
  /^index\.(md|markdown)$/i,
  /^readme\.(md|markdown)$/i,
]

/**
 * Pages out of a folder with HTML and Markdown, each at its path below the base URL.
 * @throws {BadSource}
 */
export async function folderSource({ path, baseUrl, name }: FolderSourceOptions): Promise<Dataset> {
  const base = checkedBase(baseUrl)
  const files = await findSourceFiles(path, {
    isWanted: (file) => !file.startsWith('.') && (markdown.test(file) || html.test(file)),
    isEntered: (folder) => !folder.startsWith('.') && folder !== 'node_modules',
    wanted: 'pages (.html, .htm, .xhtml, .md, .markdown)',
  })
  const source = name ?? `html:${base}`
  const addresses = addressesOf(files, base)
  const total = totalBytes(files)
  return {
    name: source,
    kind: 'html',
    bytes: total,
    async *items({ signal, onProgress }) {
      const giveWay = createEventLoopYield(signal)
      const noPages = countNoPages('file')
      let done = 0
      for (const file of files) {
        await giveWay()
        const page = await readPage(file, signal, giveWay)
        if ('reason' in page) yield { bad: { place: file.shown, reason: page.reason } }
        else if (page.noindex) noPages.count('marked noindex')
        else yield { page: documentOf(page, file, { source, base, addresses }) }
        done += file.bytes
        onProgress({ done, total, unit: 'bytes' })
      }
      const remark = noPages.remark()
      if (remark) yield { remark }
    },
  }
}

function checkedBase(baseUrl: string): string {
  const shown = baseUrl.length > 100 ? `${baseUrl.slice(0, 100)}…` : baseUrl
  if (!/^https?:\/\//i.test(baseUrl) || !URL.canParse(baseUrl))
    throw new BadSource(
      `The base URL “${shown}” is no web address. Give the one at which the folder stands, such as https://example.org/docs.`,
    )
  const url = new URL(baseUrl)
  if (url.search || url.hash)
    throw new BadSource(
      `The base URL “${shown}” names more than a folder: leave out what follows ? or #.`,
    )
  const address = addressOf(baseUrl)
  if (!address)
    throw new BadSource(
      `The base URL “${shown}” is not on the public web: ${url.hostname} has no ending that domains on the web have.`,
    )
  return address.url.endsWith('/') ? address.url : `${address.url}/`
}

/**
 * Where each file stands on the web, by the URL of the file itself. One file of each folder stands
 * for the folder.
 */
function addressesOf(files: SourceFile[], base: string): Map<string, string> {
  const chosen = new Map<string, { shown: string; rank: number }>()
  for (const { shown } of files) {
    const rank = folderPages.findIndex((pattern) => pattern.test(posix.basename(shown)))
    const folder = posix.dirname(shown)
    if (rank >= 0 && rank < (chosen.get(folder)?.rank ?? folderPages.length))
      chosen.set(folder, { shown, rank })
  }
  return new Map(
    files.map(({ shown }) => {
      const isFolder = chosen.get(posix.dirname(shown))?.shown === shown
      return [
        fileUrl(shown, base),
        isFolder ? new URL('.', fileUrl(shown, base)).href : fileUrl(shown, base),
      ]
    }),
  )
}

function fileUrl(shown: string, base: string): string {
  return new URL(shown.split('/').map(encodeURIComponent).join('/'), base).href
}

type Page = HtmlPage & { base: string | null; noindex: boolean }

async function readPage(
  file: SourceFile,
  signal: AbortSignal,
  giveWay: () => Promise<void>,
): Promise<Page | { reason: string }> {
  const isMarkdown = markdown.test(file.shown)
  const limit = isMarkdown ? maxMarkdownBytes : maxHtmlBytes
  if (file.bytes > limit) return { reason: `it is larger than ${isMarkdown ? '512 KiB' : '8 MiB'}` }
  try {
    const bytes = await readFile(file.path, { signal })
    // Markdown says nothing of its encoding; a `<meta charset>` in it is an example.
    const text = decodeText(bytes, isMarkdown ? 'utf-8' : undefined)
    if (text === null) return { reason: 'its text is in an encoding that browsers refuse' }
    if (text.includes('\0')) return { reason: 'it is binary' }
    return isMarkdown
      ? { ...(await readMarkdownInSlices(text, giveWay)), base: null, noindex: false }
      : await readHtmlInSlices(text, giveWay)
  } catch (error) {
    signal.throwIfAborted()
    const code = error instanceof Error && 'syscall' in error && 'code' in error ? error.code : null
    if (code) return { reason: `it can't be read (${code})` }
    if (isMarkdown && error instanceof Error) return { reason: `its Markdown can't be parsed` }
    throw error
  }
}

function documentOf(
  page: Page,
  file: SourceFile,
  { source, base, addresses }: { source: string; base: string; addresses: Map<string, string> },
): WebDocument {
  const written = fileUrl(file.shown, base)
  const { words, text } = page
  const links = absoluteLinks(page.links, written, page.base).map((link) => {
    const [address = '', rest = ''] = link.href.split(/(?=[?#])/, 2)
    return { ...link, href: `${addresses.get(address) ?? address}${rest}` }
  })
  return {
    url: addresses.get(written) ?? written,
    title: page.title || posix.basename(file.shown),
    words,
    text,
    seenAt: file.modifiedAt,
    source,
    links,
  }
}
