import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { decodeText } from '../pages/decode-text.ts'
import type { WebDocument } from '../pages/document.ts'
import { absoluteLinks } from '../pages/page-links.ts'
import { parseUrl } from '../pages/parse-url.ts'
import { type HtmlPage, readHtmlInSlices } from '../pages/read-html.ts'
import { readMarkdownInSlices } from '../pages/read-markdown.ts'
import { addressOf } from '../pages/web-address.ts'
import { createEventLoopYield } from '../pages/yield-to-event-loop.ts'
import type { Dataset } from '../source.ts'
import { BadSource } from './files/bad-source.ts'
import { countNoPages } from './files/no-pages.ts'
import { shown } from './files/shown.ts'
import { findSourceFiles, type SourceFile, totalBytes } from './files/source-files.ts'
import { systemErrorCode } from './files/system-error-code.ts'

export interface FolderSourceOptions {
  /** A folder, or one file. Symbolic links are not followed. */
  path: string
  /** The address at which the folder is published: `https://example.org/docs`. */
  baseUrl: string
  /** Default: `html:` and the base URL. */
  name?: string
}

const maxHtmlBytes = 8 * 1024 * 1024
/** The parser can't be interrupted within a section; one section of this size takes about 1 s. */
const maxMarkdownBytes = 512 * 1024

const markdown = /\.(md|markdown)$/i
const html = /\.(html?|xhtml)$/i
/** Files that a web server shows for their folder, in order of preference. */
const folderPages = [
  /^index\.(html?|xhtml)$/i,
  /^index\.(md|markdown)$/i,
  /^readme\.(md|markdown)$/i,
]

/**
 * Reads HTML and Markdown files as pages, each at its path below the base URL. @throws {BadSource}
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
      const yieldIfDue = createEventLoopYield(signal)
      const noPages = countNoPages('file')
      let done = 0
      for (const file of files) {
        await yieldIfDue()
        const page = await readPage(file, signal, yieldIfDue)
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
  const written = shown(baseUrl, 100)
  if (!/^https?:\/\//i.test(baseUrl) || !parseUrl(baseUrl))
    throw new BadSource(
      `The base URL “${written}” is not a web address. Give the address at which the folder is published, such as https://example.org/docs.`,
    )
  const url = new URL(baseUrl)
  if (url.search || url.hash)
    throw new BadSource(
      `The base URL “${written}” has a query or a fragment. Remove everything from the ? or # on.`,
    )
  const address = addressOf(baseUrl)
  if (!address)
    throw new BadSource(
      `The base URL “${written}” is not on the public web: ${url.hostname} has no public ending such as .com. Give the address at which the folder is published.`,
    )
  return address.url.endsWith('/') ? address.url : `${address.url}/`
}

/**
 * The address of each file's page, by the URL of the file. One file of each folder gets the address
 * of the folder.
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
  yieldIfDue: () => Promise<void>,
): Promise<Page | { reason: string }> {
  const isMarkdown = markdown.test(file.shown)
  const limit = isMarkdown ? maxMarkdownBytes : maxHtmlBytes
  if (file.bytes > limit) return { reason: `it is larger than ${isMarkdown ? '512 KiB' : '8 MiB'}` }
  try {
    const bytes = await readFile(file.path, { signal })
    // Markdown does not declare its encoding; a `<meta charset>` in it is sample code.
    const text = decodeText(bytes, isMarkdown ? 'utf-8' : undefined)
    if (text === null) return { reason: 'its text encoding is not supported' }
    if (text.includes('\0')) return { reason: 'it is binary' }
    return isMarkdown
      ? { ...(await readMarkdownInSlices(text, yieldIfDue)), base: null, noindex: false }
      : await readHtmlInSlices(text, yieldIfDue)
  } catch (error) {
    signal.throwIfAborted()
    const code = systemErrorCode(error)
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
  const ownUrl = fileUrl(file.shown, base)
  const { words, text } = page
  const links = absoluteLinks(page.links, ownUrl, page.base).map((link) => {
    const [address = '', rest = ''] = link.href.split(/(?=[?#])/, 2)
    return { ...link, href: `${addresses.get(address) ?? address}${rest}` }
  })
  return {
    url: addresses.get(ownUrl) ?? ownUrl,
    title: page.title || posix.basename(file.shown),
    words,
    text,
    seenAt: file.modifiedAt,
    source,
    links,
  }
}
