import { type DuckDBAppender, DuckDBTimestampValue } from '@duckdb/node-api'
import type { DocumentLink, WebDocument } from '../pages/document.ts'
import type { WebAddress } from '../pages/web-address.ts'
import type { LoggedQuery, SiteEdge } from '../source.ts'
import { type SourceTableName, sourceTableNames, sourceTables } from './source-tables.ts'
import type { Staging } from './staging.ts'

type Appenders = Record<SourceTableName, DuckDBAppender>

/** Creates the tables of a dataset as temporary ones, which DuckDB keeps out of its log. */
export async function openRowWriter(staging: Staging): Promise<RowWriter> {
  for (const table of sourceTableNames)
    await staging.run(`CREATE TEMP TABLE ${table} (${sourceTables[table]})`)
  const open = (table: SourceTableName) => staging.connection.createAppender(table, null, 'temp')
  return new RowWriter(staging, {
    pages: await open('pages'),
    links: await open('links'),
    queries: await open('queries'),
    edges: await open('edges'),
    ranks: await open('ranks'),
    reported: await open('reported'),
  })
}

/** Appends rows to the tables of a dataset. DuckDB buffers them until `flush`. */
export class RowWriter {
  readonly #staging: Staging
  readonly #appenders: Appenders
  #bufferedChars = 0
  #storedChars = 0

  constructor(staging: Staging, appenders: Appenders) {
    this.#staging = staging
    this.#appenders = appenders
  }

  /** Characters that wait for the next flush. */
  get bufferedChars(): number {
    return this.#bufferedChars
  }

  /** Characters in the tables. */
  get storedChars(): number {
    return this.#storedChars
  }

  /** @param n the page's number. @param tokens those of its title and of its text. */
  addPage(
    n: number,
    { url, key, site, host }: WebAddress,
    { title, words, source, seenAt }: WebDocument,
    tokens: { title: string; text: string },
  ): void {
    const { pages } = this.#appenders
    pages.appendUBigInt(BigInt(n))
    this.#appendText(pages, url, key, site, host, title)
    pages.appendUInteger(words)
    this.#appendText(pages, source)
    pages.appendTimestamp(timestampOf(seenAt))
    this.#appendText(pages, tokens.title, tokens.text)
    pages.endRow()
  }

  /** @param n the number of the source page. */
  addLink(
    n: number,
    target: WebAddress,
    { anchor, nofollow, kind }: DocumentLink,
    anchorTokens: string,
  ): void {
    const { links } = this.#appenders
    links.appendUBigInt(BigInt(n))
    this.#appendText(links, target.key, target.host, target.site, anchor, anchorTokens)
    links.appendBoolean(nofollow)
    this.#appendText(links, kind)
    links.endRow()
  }

  addQuery(phrase: string, { searches, clicks, position }: LoggedQuery): void {
    const { queries } = this.#appenders
    this.#appendText(queries, phrase)
    queries.appendUBigInt(BigInt(searches))
    queries.appendUBigInt(BigInt(clicks))
    if (position === null) queries.appendNull()
    else queries.appendDouble(position)
    queries.endRow()
  }

  addEdge({ fromSite, toSite, linkingPages, targetPages }: SiteEdge): void {
    const { edges } = this.#appenders
    this.#appendText(edges, fromSite, toSite)
    for (const count of [linkingPages, targetPages]) {
      if (count === null) edges.appendNull()
      else edges.appendUBigInt(BigInt(count))
    }
    edges.endRow()
  }

  addRank(site: string, position: number): void {
    const { ranks } = this.#appenders
    this.#appendText(ranks, site)
    ranks.appendUInteger(position)
    ranks.endRow()
  }

  addReportedLink(from: WebAddress, to: WebAddress, seenAt: Date): void {
    const { reported } = this.#appenders
    this.#appendText(reported, from.url, from.key, from.site, from.host)
    this.#appendText(reported, to.key, to.host, to.site)
    reported.appendTimestamp(timestampOf(seenAt))
    reported.endRow()
  }

  /** Moves all buffered rows to the tables. */
  flush(): void {
    for (const appender of Object.values(this.#appenders)) appender.flushSync()
    this.#storedChars += this.#bufferedChars
    this.#bufferedChars = 0
  }

  /** Deletes the rows in the tables. */
  async empty(): Promise<void> {
    for (const table of sourceTableNames) await this.#staging.run(`DELETE FROM ${table}`)
    this.#storedChars = 0
  }

  /** Drops the tables and the buffered rows, also after an abort. */
  async close(): Promise<void> {
    for (const appender of Object.values(this.#appenders)) {
      appender.clear()
      appender.closeSync()
    }
    for (const table of sourceTableNames) await this.#staging.connection.run(`DROP TABLE ${table}`)
  }

  #appendText(appender: DuckDBAppender, ...values: string[]): void {
    for (const value of values) {
      appender.appendVarchar(value)
      this.#bufferedChars += value.length
    }
  }
}

function timestampOf(date: Date): DuckDBTimestampValue {
  return new DuckDBTimestampValue(BigInt(date.getTime()) * 1000n)
}
