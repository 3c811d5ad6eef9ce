import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { type DuckDBAppender, DuckDBTimestampValue } from '@duckdb/node-api'
import type { WebDocument } from './document.ts'
import type { Draft } from './draft.ts'
import type { IndexedSource } from './manifest.ts'
import { phraseTokens } from './phrase-tokens.ts'
import type { BadRow, LoggedQuery, ReadProgress, SiteEdge, Source, SourceItem, WebRank } from './source-item.ts'
import { addressOf } from './web-address.ts'

/**
 * The rows of one source, as the build keeps them: `n` numbers its pages in the order in which they were read. Tokens are joined by spaces, stretches
 * that no phrase runs over by line breaks.
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
} as const
export type ExtractName = keyof typeof extracts

export interface Extracted {
  files: IndexedSource['files']
  /** What was read; of a page that came twice, both. */
  read: { pages: number; links: number; queries: number; edges: number; ranks: number; bad: number }
  samples: BadRow[]
  remarks: string[]
}

const mostSamples = 20
/** Rows wait in the appenders until there are so many characters of them; flushing blocks the process, so not for long. */
const flushAtCharacters = 1_000_000
/** So long one turn of work may keep the process busy. */
const turnMs = 8
/** Rows with whole texts in them. */
const textRowGroup = 2_048
/** A byte in DuckDB's table of phrases. */
const longestQuery = 255

/** Reads a source to its end and writes its rows as Parquet files of its own: `source-<uuid>-pages.parquet`. */
export async function extractSource(
  source: Source,
  options: { draft: Draft; signal: AbortSignal; onProgress(progress: ReadProgress): void },
): Promise<Extracted> {
  const { draft, signal, onProgress } = options
  // What a transaction appends goes to no log, and is thrown away at its end: the files are what remains.
  await draft.run('BEGIN')
  const rows = await openRows(draft, { place: source.name, pause: pauses(signal) })
  try {
    for await (const item of source.items({ signal, onProgress })) await rows.add(item)
    signal.throwIfAborted()
    rows.flush()
    return { files: await writeFiles(draft, rows.read), read: rows.read, samples: rows.samples, remarks: [...rows.remarks] }
  } finally {
    rows.close()
    await draft.connection.run('ROLLBACK')
  }
}

/**
 * Lets others in this process have their turn, and hears an abort: to be called after each little piece of work.
 * @returns nothing while the turn may go on.
 */
function pauses(signal: AbortSignal): () => Promise<void> | undefined {
  let since = performance.now()
  return () => {
    signal.throwIfAborted()
    if (performance.now() - since < turnMs) return
    return setImmediate().then(() => {
      since = performance.now()
      signal.throwIfAborted()
    })
  }
}

async function writeFiles(draft: Draft, read: Extracted['read']): Promise<IndexedSource['files']> {
  const files: IndexedSource['files'] = {}
  // Of a page that came twice the last one counts, and its links.
  const last = 'n IN (SELECT max(n) FROM pages GROUP BY key)'
  // They stay for as many generations as the source does, beside those of sources that were read at another time.
  const id = randomUUID()
  const name = (table: ExtractName) => `source-${id}-${table}`
  if (read.pages > 0) files.pages = await draft.copy(name('pages'), `FROM pages WHERE ${last}`, { rowGroup: textRowGroup })
  if (read.links > 0) files.links = await draft.copy(name('links'), `FROM links WHERE ${last}`)
  for (const table of ['queries', 'edges', 'ranks'] as const) {
    if (read[table] > 0) files[table] = await draft.copy(name(table), `FROM ${table}`)
  }
  return files
}

/** Takes the items of a source one by one. */
async function openRows({ connection, run }: Draft, { place, pause }: { place: string; pause: ReturnType<typeof pauses> }) {
  for (const [table, columns] of Object.entries(extracts)) await run(`CREATE TABLE ${table} (${columns})`)
  const pages = await connection.createAppender('pages')
  const links = await connection.createAppender('links')
  const queries = await connection.createAppender('queries')
  const edges = await connection.createAppender('edges')
  const ranks = await connection.createAppender('ranks')
  const appenders = [pages, links, queries, edges, ranks]

  const read: Extracted['read'] = { pages: 0, links: 0, queries: 0, edges: 0, ranks: 0, bad: 0 }
  const samples: BadRow[] = []
  const remarks = new Set<string>()
  let waiting = 0

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
      await pause()
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
    // Before a row is begun: an abort must not come in the midst of one.
    const [titleTokens, textTokens] = [await tokensOf(page.title), await tokensOf(page.text)]
    pages.appendUBigInt(BigInt(read.pages))
    text(pages, from.url, from.key, from.site, from.host, page.title)
    pages.appendUInteger(page.words)
    text(pages, page.source)
    pages.appendTimestamp(new DuckDBTimestampValue(BigInt(page.seenAt.getTime()) * 1000n))
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
    if (tokens.length === 0) return passOver({ place, reason: `the query “${query}” has no word in it` })
    if (tokens.length > longestQuery) return passOver({ place, reason: `a query has ${tokens.length} words` })
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
    if (!from || !to) return passOver({ place, reason: `${from ? toSite : fromSite} is not a site of the public web` })
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

  function flush(): void {
    waiting = 0
    for (const appender of appenders) appender.flushSync()
  }

  return {
    read,
    samples,
    remarks,
    flush,
    async add(item: SourceItem): Promise<void> {
      if ('page' in item) await addPage(item.page)
      else if ('query' in item) addQuery(item.query)
      else if ('edge' in item) addEdge(item.edge)
      else if ('rank' in item) addRank(item.rank)
      else if ('bad' in item) passOver(item.bad)
      else remarks.add(item.remark)
      if (waiting >= flushAtCharacters) flush()
      await pause()
    },
    close(): void {
      for (const appender of appenders) {
        appender.clear()
        appender.closeSync()
      }
    },
  }
}

/** The site in the one form that pages and links have it in. */
function siteNamed(site: string): string | null {
  return addressOf(`https://${site}`)?.site ?? null
}
