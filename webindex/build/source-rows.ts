import type { WebDocument } from '../pages/document.ts'
import { phraseTokens } from '../pages/phrase-tokens.ts'
import { addressOf } from '../pages/web-address.ts'
import { createEventLoopYield } from '../pages/yield-to-event-loop.ts'
import type { BadRow, LoggedQuery, ReportedLink, SiteEdge, SourceItem, WebRank } from '../source.ts'
import { openRowWriter, type RowWriter } from './row-writer.ts'
import { nothingRead, type RowsRead } from './source-tables.ts'
import type { Staging } from './staging.ts'

const maxSamples = 20
/** Characters buffered at most: a flush blocks the process, so it must stay short. */
const flushAtChars = 1_000_000
/** The number of words is stored in one byte. */
const maxQueryWords = 255

/**
 * Prepares the tables for the rows of one dataset.
 * @param options.place the dataset's name, for the samples of bad rows
 */
export async function openRows(
  staging: Staging,
  { place, signal }: { place: string; signal: AbortSignal },
): Promise<SourceRows> {
  return new SourceRows(await openRowWriter(staging), place, createEventLoopYield(signal))
}

/** Converts the items of one dataset to rows, and counts them. */
class SourceRows {
  readonly read: RowsRead = { ...nothingRead }
  /** The first bad rows. */
  readonly samples: BadRow[] = []
  readonly remarks = new Set<string>()
  readonly #writer: RowWriter
  readonly #place: string
  readonly #yieldToEventLoop: () => Promise<void>

  constructor(writer: RowWriter, place: string, yieldToEventLoop: () => Promise<void>) {
    this.#writer = writer
    this.#place = place
    this.#yieldToEventLoop = yieldToEventLoop
  }

  async add(item: SourceItem): Promise<void> {
    if ('page' in item) await this.#addPage(item.page)
    else if ('query' in item) this.#addQuery(item.query)
    else if ('edge' in item) this.#addEdge(item.edge)
    else if ('rank' in item) this.#addRank(item.rank)
    else if ('reported' in item) this.#addReportedLink(item.reported)
    else if ('bad' in item) this.#addBad(item.bad)
    else if ('passed' in item) this.read.passed += item.passed
    else this.remarks.add(item.remark)
    if (this.#writer.bufferedChars >= flushAtChars) this.#writer.flush()
    await this.#yieldToEventLoop()
  }

  /** Moves all rows to the tables. */
  flush(): void {
    this.#writer.flush()
  }

  /** Characters in the tables. */
  get storedChars(): number {
    return this.#writer.storedChars
  }

  /** Deletes the rows in the tables. */
  async empty(): Promise<void> {
    await this.#writer.empty()
  }

  async close(): Promise<void> {
    await this.#writer.close()
  }

  async #addPage(page: WebDocument): Promise<void> {
    const from = addressOf(page.url)
    if (!from) return this.#refuse(`${page.url} is not a page of the public web`)
    if (Number.isNaN(page.seenAt.getTime()))
      return this.#refuse(`the date of ${page.url} is not valid`)
    // Before the row begins: an abort must not leave an unfinished row.
    const tokens = {
      title: await this.#tokensOf(page.title),
      text: await this.#tokensOf(page.text),
    }
    const n = this.read.pages
    this.#writer.addPage(n, from, page, tokens)
    for (const link of page.links) {
      const to = addressOf(link.href)
      if (!to || to.key === from.key) continue // Off the public web, or within the page.
      this.#writer.addLink(n, to, link, await this.#tokensOf(link.anchor))
      this.read.links++
    }
    this.read.pages++
  }

  #addQuery(logged: LoggedQuery) {
    const tokens = phraseTokens(logged.query).flat()
    if (tokens.length === 0) return this.#refuse(`the query “${logged.query}” has no word in it`)
    if (tokens.length > maxQueryWords) return this.#refuse(`a query has ${tokens.length} words`)
    this.#writer.addQuery(tokens.join(' '), logged)
    this.read.queries++
  }

  #addEdge(edge: SiteEdge) {
    const fromSite = normalisedSite(edge.fromSite)
    const toSite = normalisedSite(edge.toSite)
    if (!fromSite || !toSite)
      return this.#refuse(
        `${fromSite ? edge.toSite : edge.fromSite} is not a site of the public web`,
      )
    this.#writer.addEdge({ ...edge, fromSite, toSite })
    this.read.edges++
  }

  #addRank({ site, position }: WebRank) {
    const normalised = normalisedSite(site)
    if (!normalised) return this.#refuse(`${site} is not a site of the public web`)
    this.#writer.addRank(normalised, position)
    this.read.ranks++
  }

  #addReportedLink({ sourceUrl, targetUrl, seenAt }: ReportedLink) {
    const from = addressOf(sourceUrl)
    const to = addressOf(targetUrl)
    if (!from || !to)
      return this.#refuse(`${from ? targetUrl : sourceUrl} is not a page of the public web`)
    if (from.key === to.key) return
    this.#writer.addReportedLink(from, to, seenAt)
    this.read.reported++
  }

  #refuse(reason: string): void {
    this.#addBad({ place: this.#place, reason })
  }

  #addBad(bad: BadRow): void {
    this.read.bad++
    if (this.samples.length < maxSamples) this.samples.push(bad)
  }

  /** Goes line by line: texts may be long, and no phrase crosses the end of a line. */
  async #tokensOf(text: string): Promise<string> {
    const segments: string[] = []
    for (const line of text.split('\n')) {
      for (const segment of phraseTokens(line)) segments.push(segment.join(' '))
      await this.#yieldToEventLoop()
    }
    return segments.join('\n')
  }
}

/** The site in the form that pages and links use; null if it is not on the public web. */
function normalisedSite(site: string): string | null {
  return addressOf(`https://${site}`)?.site ?? null
}
