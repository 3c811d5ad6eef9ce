import { basename } from 'node:path'
import { charsetOf, decodeText } from '../../pages/decode-text.ts'
import { looksLikeHtml } from '../../pages/looks-like-html.ts'
import { absoluteLinks } from '../../pages/page-links.ts'
import { countWords, isNofollow, isNoindex, readHtmlInSlices } from '../../pages/read-html.ts'
import { addressOf } from '../../pages/web-address.ts'
import type { Dataset } from '../../source.ts'
import { findSourceFiles } from '../files/source-files.ts'
import { BadBody, decodeBody, type HttpResponse, readHttpResponse } from './http-response.ts'
import {
  otherType,
  type ReadOptions,
  type RecordReading,
  targetOf,
  type WarcReader,
  warcFilesSource,
} from './warc-files.ts'
import type { WarcRecord } from './warc-records.ts'

export interface WarcSourceOptions {
  /** A file, or a folder of `.warc`, `.wet`, `.warc.gz` and `.wet.gz` files. No symbolic links. */
  path: string
  /** Default: `warc:` and the name of the file or folder. */
  name?: string
}

/** The same limit as in a crawl. */
const maxHtmlBytes = 2 * 1024 * 1024
const maxRecordBytes = 8 * 1024 * 1024

/**
 * Reads the pages in WARC files (HTML responses with status 200) and the texts in WET files, which
 * have neither titles nor links.
 * @throws {BadSource}
 */
export async function warcSource({
  path,
  name = `warc:${basename(path)}`,
}: WarcSourceOptions): Promise<Dataset> {
  const wanted = 'WARC files (.warc, .warc.gz, .wet, .wet.gz)'
  const files = await findSourceFiles(path, {
    isWanted: (file) => /\.(warc|wet)(\.gz)?$/i.test(file),
    wanted,
  })
  return warcFilesSource(name, 'warc', files, { blockBytes: maxRecordBytes, read: readRecord })
}

const readRecord: WarcReader['read'] = (record, options) => {
  const type = record.fields.get('warc-type')?.toLowerCase()
  if (type === 'response' || type === 'resource') return readPage(record, type, options)
  if (type === 'conversion') return readPlainText(record, options)
  return otherType(record)
}

async function readPage(
  record: WarcRecord,
  type: 'response' | 'resource',
  { source, seenAt, yieldIfDue }: ReadOptions,
): Promise<RecordReading> {
  const bad = (reason: string) => ({ bad: { place: record.place, reason } })
  const target = targetOf(record)
  if (!target) return bad('it has no WARC-Target-URI')
  const response = type === 'response' ? readHttpResponse(record.block) : resourceOf(record)
  if (!response)
    return /^https?:/i.test(target)
      ? bad('it holds no HTTP response')
      : { noPage: 'not fetched by HTTP' }
  const noPage = whyNoPage(response)
  if (noPage) return { noPage }
  const url = addressOf(target)?.url
  if (!url) return { noPage: 'not on the public web' }

  try {
    const body = await decodeBody(response, maxHtmlBytes)
    const contentType = response.fields.get('content-type')
    if (!contentType && !looksLikeHtml(body)) return { noPage: 'not HTML' }
    const html = decodeText(body, charsetOf(contentType ?? ''))
    if (html === null) return bad('its text encoding is not supported')
    const page = await readHtmlInSlices(html, yieldIfDue)
    if (page.noindex) return { noPage: 'marked noindex' }
    const links = absoluteLinks(page.links, url, page.base)
    if (isNofollow(robotsOf(response))) for (const link of links) link.nofollow = true
    return {
      page: { url, title: page.title, words: page.words, text: page.text, seenAt, source, links },
    }
  } catch (error) {
    if (error instanceof BadBody) return bad(error.message)
    throw error
  }
}

/** Judges a response by its header alone. @returns null if it may be a page. */
function whyNoPage(response: HttpResponse): string | null {
  if (response.status !== 200) return `with HTTP status ${response.status}`
  const type = response.fields.get('content-type')
  if (type && !/^\s*(text\/html|application\/xhtml\+xml)\b/i.test(type)) return 'not HTML'
  return isNoindex(robotsOf(response)) ? 'marked noindex' : null
}

function robotsOf({ fields }: HttpResponse): string {
  return fields.get('x-robots-tag') ?? ''
}

/** A resource was archived without an HTTP response; the record itself has the content type. */
function resourceOf({ fields, block }: WarcRecord): HttpResponse {
  return {
    status: 200,
    fields: new Map([['content-type', fields.get('content-type') ?? '']]),
    body: block,
  }
}

/** A WET record: the text of a page, always in UTF-8. */
function readPlainText(record: WarcRecord, { source, seenAt }: ReadOptions): RecordReading {
  const target = targetOf(record)
  if (!target) return { bad: { place: record.place, reason: 'it has no WARC-Target-URI' } }
  if (!/^text\/plain\b/i.test(record.fields.get('content-type') ?? '')) return otherType(record)
  const url = addressOf(target)?.url
  if (!url) return { noPage: 'not on the public web' }
  const text = record.block.toString('utf8', 0, maxHtmlBytes).trim()
  return { page: { url, title: '', words: countWords(text), text, seenAt, source, links: [] } }
}
