import { type DuckDBAppender, DuckDBTimestampValue } from '@duckdb/node-api'
import type { WebDocument } from '../pages/document.ts'
import { phraseTokens } from '../pages/phrase-tokens.ts'
import { addressOf } from '../pages/web-address.ts'
import { createEventLoopYield } from '../pages/yield-to-event-loop.ts'
import type { BadRow, LoggedQuery, ReportedLink, SiteEdge, SourceItem, WebRank } from '../source.ts'
import type { Staging } from './staging.ts'

/**
 * The rows of one source, as the build keeps them: `n` numbers its pages in the order in which they
 * were read. Tokens are joined by spaces, stretches that no phrase runs over by line breaks.
 */
export const extracts = {
  pages: `
    n UBIGINT, url VARCHAR, key VARCHAR, site VARCHAR, host VARCHAR, title VARCHAR, words UINTEGER, source VARCHAR, seen_at TIMESTAMP,
    title_tokens VARCHAR, text_tokens VARCHAR`,
  links: `
    n UBIGINT, target_url VARCHAR, target_host VARCHAR, target_site VARCHAR, anchor VARCHAR, anchor_tokens VARCHAR, nofollow BOOLEAN, kind VARCHAR`,
  queries: 'phrase VARCHAR, searches UBIGINT, clicks UBIGINT, position DOUBLE',
  edges: 'source_site VARCHAR, target_site VARCHAR, linking_pages UBIGINT, target_pages UBIGINT',
  ranks: 'site VARCHAR, position UINTEGER',
  reported: `
    source_url VARCHAR, source_key VARCHAR, source_site VARCHAR, source_host VARCHAR, target_url VARCHAR, target_host VARCHAR, target_site VARCHAR,
    seen_at TIMESTAMP`,
} as const
export const extractNames = ['pages', 'links', 'queries', 'edges', 'ranks', 'reported'] as const
export type ExtractName = (typeof extractNames)[number]

/** What was read; of a page that came twice, both. */
export interface RowsRead {
  pages: number
  links: number
  queries: number
  edges: number
  ranks: number
  reported: number
  /** Understood, and left out. */
  passed: number
  bad: number
}

const mostSamples = 20
/** Characters that wait in the appenders: handing them over blocks the process, so not for long. */
const flushAt = 1_000_000
/** A byte in the table of phrases. */
const longestQuery = 255

/**
 * Takes the items of a source one by one, into temporary tables of the staging: nothing of those goes
 * to a log.
 * @param options.place names the source.
 */
export async function openRows(
  { connection, run }: Staging,
  { place, signal }: { place: string; signal: AbortSignal },
) {
  const yieldToEventLoop = createEventLoopYield(signal)
  for (const table of extractNames) await run(`CREATE TEMP TABLE ${table} (${extracts[table]})`)
  const pages = await connection.createAppender('pages', null, 'temp')
  const links = await connection.createAppender('links', null, 'temp')
  const queries = await connection.createAppender('queries', null, 'temp')
  const edges = await connection.createAppender('edges', null, 'temp')
  const ranks = await connection.createAppender('ranks', null, 'temp')
  const reported = await connection.createAppender('reported', null, 'temp')
  const appenders = [pages, links, queries, edges, ranks, reported]

  const read: RowsRead = {
    pages: 0,
    links: 0,
    queries: 0,
    edges: 0,
    ranks: 0,
    reported: 0,
    passed: 0,
    bad: 0,
  }
  const samples: BadRow[] = []
  const remarks = new Set<string>()
  let waiting = 0
  let held = 0

  function text(appender: DuckDBAppender, ...values: string[]): void {
    for (const value of values) {
      appender.appendVarchar(value)
      waiting += value.length
    }
  }

  /** Line by line: a text may be long, and no phrase runs over the end of a line. */
  async function tokensOf(text: string): Promise<string> {
    const stretches: string[] = []
    for (const line of text.split('\n')) {
      for (const stretch of phraseTokens(line)) stretches.push(stretch.join(' '))
      await yieldToEventLoop()
    }
    return stretches.join('\n')
  }

  function passOver(bad: BadRow) {
    read.bad++
    if (samples.length < mostSamples) samples.push(bad)
  }

  async function addPage(page: WebDocument) {
    const from = addressOf(page.url)
    if (!from) return passOver({ place, reason: `${page.url} is not a page of the public web` })
    if (Number.isNaN(page.seenAt.getTime()))
      return passOver({ place, reason: `the date of ${page.url} is none` })
    // Before a row is begun: an abort must not come in the midst of one.
    const [titleTokens, textTokens] = [await tokensOf(page.title), await tokensOf(page.text)]
    pages.appendUBigInt(BigInt(read.pages))
    text(pages, from.url, from.key, from.site, from.host, page.title)
    pages.appendUInteger(page.words)
    text(pages, page.source)
    pages.appendTimestamp(timestampOf(page.seenAt))
    text(pages, titleTokens, textTokens)
    pages.endRow()
    // What is not on the public web, and links of a page to itself, are passed over.
    for (const { href, anchor, nofollow, kind } of page.links) {
      const to = addressOf(href)
      if (!to || to.key === from.key) continue
      const anchorTokens = await tokensOf(anchor)
      links.appendUBigInt(BigInt(read.pages))
      text(links, to.key, to.host, to.site, anchor, anchorTokens)
      links.appendBoolean(nofollow)
      text(links, kind)
      links.endRow()
      read.links++
    }
    read.pages++
  }

  function addQuery({ query, searches, clicks, position }: LoggedQuery) {
    const tokens = phraseTokens(query).flat()
    if (tokens.length === 0)
      return passOver({ place, reason: `the query “${query}” has no word in it` })
    if (tokens.length > longestQuery)
      return passOver({ place, reason: `a query has ${tokens.length} words` })
    text(queries, tokens.join(' '))
    queries.appendUBigInt(BigInt(searches))
    queries.appendUBigInt(BigInt(clicks))
    if (position === null) queries.appendNull()
    else queries.appendDouble(position)
    queries.endRow()
    read.queries++
  }

  function addEdge({ fromSite, toSite, linkingPages, targetPages }: SiteEdge) {
    const from = siteNamed(fromSite)
    const to = siteNamed(toSite)
    if (!from || !to)
      return passOver({
        place,
        reason: `${from ? toSite : fromSite} is not a site of the public web`,
      })
    text(edges, from, to)
    for (const count of [linkingPages, targetPages]) {
      if (count === null) edges.appendNull()
      else edges.appendUBigInt(BigInt(count))
    }
    edges.endRow()
    read.edges++
  }

  function addRank({ site, position }: WebRank) {
    const named = siteNamed(site)
    if (!named) return passOver({ place, reason: `${site} is not a site of the public web` })
    text(ranks, named)
    ranks.appendUInteger(position)
    ranks.endRow()
    read.ranks++
  }

  function addReported({ sourceUrl, targetUrl, seenAt }: ReportedLink) {
    const from = addressOf(sourceUrl)
    const to = addressOf(targetUrl)
    if (!from || !to)
      return passOver({
        place,
        reason: `${from ? targetUrl : sourceUrl} is not a page of the public web`,
      })
    if (from.key === to.key) return
    text(reported, from.url, from.key, from.site, from.host, to.key, to.host, to.site)
    reported.appendTimestamp(timestampOf(seenAt))
    reported.endRow()
    read.reported++
  }

  function flush(): void {
    held += waiting
    waiting = 0
    for (const appender of appenders) appender.flushSync()
  }

  return {
    read,
    samples,
    remarks,
    /** Hands everything over to the tables. */
    flush,
    /** Characters in the tables since they were emptied. */
    get held() {
      return held
    },
    /** Throws away what is in the tables. */
    async empty(): Promise<void> {
      for (const table of extractNames) await run(`DELETE FROM ${table}`)
      held = 0
    },
    async add(item: SourceItem): Promise<void> {
      if ('page' in item) await addPage(item.page)
      else if ('query' in item) addQuery(item.query)
      else if ('edge' in item) addEdge(item.edge)
      else if ('rank' in item) addRank(item.rank)
      else if ('reported' in item) addReported(item.reported)
      else if ('bad' in item) passOver(item.bad)
      else if ('passed' in item) read.passed += item.passed
      else remarks.add(item.remark)
      if (waiting >= flushAt) flush()
      await yieldToEventLoop()
    },
    async close(): Promise<void> {
      for (const appender of appenders) {
        appender.clear()
        appender.closeSync()
      }
      for (const table of extractNames) await connection.run(`DROP TABLE ${table}`)
    },
  }
}

function timestampOf(date: Date): DuckDBTimestampValue {
  return new DuckDBTimestampValue(BigInt(date.getTime()) * 1000n)
}

/** The site in the one form that pages and links have it in. */
function siteNamed(site: string): string | null {
  return addressOf(`https://${site}`)?.site ?? null
}
