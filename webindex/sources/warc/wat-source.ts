import { basename } from 'node:path'
import { z } from 'zod'
import { absoluteLinks } from '../../pages/page-links.ts'
import { type HtmlLink, isNofollow, isNoindex, tidyText } from '../../pages/read-html.ts'
import { addressOf } from '../../pages/web-address.ts'
import type { Dataset } from '../../source.ts'
import { findSourceFiles } from '../files/source-files.ts'
import { dateOr, otherType, type WarcReader, warcFilesSource } from './warc-files.ts'

export interface WatSourceOptions {
  /** A file, or a folder of `.wat` and `.wat.gz` files. Symbolic links are not followed. */
  path: string
  /** Default: `wat:` and the name of the file or folder. */
  name?: string
}

/**
 * JSON.parse can't be interrupted; this size takes tens of milliseconds. A usual page has a
 * hundredth of it.
 */
const maxJsonBytes = 4 * 1024 * 1024

const text = z.string().catch('')
/** Most links lack most of these, and `.catch()` on a missing field doubles the parsing time. */
const rare = z.string().optional().catch(undefined)
const Link = z.object({ path: rare, url: rare, text: rare, alt: rare, rel: rare })
const Head = z.object({
  Title: text,
  Base: text,
  Metas: z
    .array(z.object({ name: text, content: text }).catch({ name: '', content: '' }))
    .catch([]),
})
const noHead: z.infer<typeof Head> = { Title: '', Base: '', Metas: [] }
const HtmlFacts = z.object({
  Head: Head.catch(noHead),
  Links: z.array(Link.nullable().catch(null)).catch([]),
})
/**
 * The WAT format's description of one WARC record. A field of an unexpected shape counts as
 * missing.
 */
const Wat = z.object({
  Envelope: z.object({
    'WARC-Header-Metadata': z.object({
      'WARC-Type': text,
      'WARC-Target-URI': text,
      'WARC-Date': text,
    }),
    'Payload-Metadata': z
      .object({
        'HTTP-Response-Metadata': z
          .object({
            'Response-Message': z
              .object({ Status: z.coerce.string().catch('') })
              .catch({ Status: '' }),
            'HTML-Metadata': HtmlFacts.optional().catch(undefined),
          })
          .optional()
          .catch(undefined),
      })
      .catch({}),
  }),
})

/**
 * Reads the pages in WAT files: titles and links that Common Crawl extracted from the WARC, without
 * text.
 * @throws {BadSource}
 */
export async function watSource({
  path,
  name = `wat:${basename(path)}`,
}: WatSourceOptions): Promise<Dataset> {
  const files = await findSourceFiles(path, {
    isWanted: (file) => /\.wat(\.gz)?$/i.test(file),
    wanted: 'WAT files (.wat, .wat.gz)',
  })
  return warcFilesSource(name, 'wat', files, { blockBytes: maxJsonBytes, read: readRecord })
}

const readRecord: WarcReader['read'] = (record, { source, seenAt }) => {
  if (record.fields.get('warc-type')?.toLowerCase() !== 'metadata') return otherType(record)
  const bad = (reason: string) => ({ bad: { place: record.place, reason } })
  if (record.block.length === maxJsonBytes) return bad('its JSON is longer than 4 MiB')
  const wat = Wat.safeParse(parseJson(record.block.toString('utf8')))
  if (!wat.success) return bad('it does not contain WAT metadata')

  const { 'WARC-Header-Metadata': header, 'Payload-Metadata': payload } = wat.data.Envelope
  if (header['WARC-Type'] !== 'response')
    return { noPage: `about records of type ${describedType(header['WARC-Type'])}` }
  if (!header['WARC-Target-URI']) return bad('it has no WARC-Target-URI')
  const response = payload['HTTP-Response-Metadata']
  const status = response?.['Response-Message'].Status
  if (status && status !== '200')
    return { noPage: `with HTTP status ${/^\d{3}$/.test(status) ? status : 'unknown'}` }
  const html = response?.['HTML-Metadata']
  if (!html) return { noPage: 'not HTML' }
  const url = addressOf(header['WARC-Target-URI'])?.url
  if (!url) return { noPage: 'not on the public web' }
  const robots = html.Head.Metas.flatMap(({ name, content }) =>
    name.toLowerCase() === 'robots' ? [content] : [],
  ).join(' ')
  if (isNoindex(robots)) return { noPage: 'marked noindex' }

  const links = html.Links.flatMap((link) =>
    link?.path === 'A@/href' && link.url ? [linkOf(link, isNofollow(robots))] : [],
  )
  return {
    page: {
      url,
      title: tidyText(html.Head.Title),
      words: 0,
      text: '',
      seenAt: dateOr(seenAt, header['WARC-Date']),
      source,
      links: absoluteLinks(links, url, html.Head.Base),
    },
  }
}

function linkOf(
  { url = '', text = '', alt = '', rel = '' }: z.infer<typeof Link>,
  pageNofollow: boolean,
): HtmlLink {
  const words = tidyText(text)
  const kind = !words && alt ? 'image' : 'text'
  return {
    href: url.trim(),
    anchor: words || tidyText(alt),
    nofollow: pageNofollow || isNofollow(rel),
    kind,
  }
}

function describedType(type: string): string {
  return ['warcinfo', 'request', 'metadata', 'revisit', 'resource', 'conversion'].includes(type)
    ? type
    : 'unknown'
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
