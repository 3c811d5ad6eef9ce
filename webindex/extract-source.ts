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
  const rows = await openRows(draft)
  try {
    let lastPause = performance.now()
    for await (const item of source.items({ signal, onProgress })) {
      signal.throwIfAborted()
      rows.add(item, source.name)
      if (performance.now() - lastPause < 8) continue
      await setImmediate()
      lastPause = performance.now()
    }
    signal.throwIfAborted()
    rows.flush()
    return { files: await writeFiles(draft, rows.read), read: rows.read, samples: rows.samples, remarks: [...rows.remarks] }
  } finally {
    rows.close()
    await draft.connection.run('ROLLBACK')
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
async function openRows({ connection, run }: Draft) {
  const appenders: Partial<Record<ExtractName, DuckDBAppender>> = {}
  for (const [table, columns] of Object.entries(extracts)) await run(`CREATE TABLE ${table} (${columns})`)
  const pages = await connection.createAppender('pages')
  const links = await connection.createAppender('links')
  const queries = await connection.createAppender('queries')
  const edges = await connection.createAppender('edges')
  const ranks = await connection.createAppender('ranks')
  Object.assign(appenders, { pages, links, queries, edges, ranks })

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

  function passOver(bad: BadRow) {
    read.bad++
    if (samples.length < mostSamples) samples.push(bad)
  }

  function addPage(page: WebDocument, place: string) {
    const from = addressOf(page.url)
    if (!from) return passOver({ place, reason: `${page.url} is not a page of the public web` })
    pages.appendUBigInt(BigInt(read.pages))
    text(pages, from.url, from.key, from.site, from.host, page.title)
    pages.appendUInteger(page.words)
    text(pages, page.source)
    pages.appendTimestamp(new DuckDBTimestampValue(BigInt(page.seenAt.getTime()) * 1000n))
    text(pages, tokensOf(page.title), tokensOf(page.text))
    pages.endRow()
    // What is not on the public web, and links of a page to itself, are passed over.
    for (const { href, anchor, nofollow, kind } of page.links) {
      const to = addressOf(href)
      if (!to || to.key === from.key) continue
      links.appendUBigInt(BigInt(read.pages))
      text(links, to.key, to.host, to.site, anchor, tokensOf(anchor))
      links.appendBoolean(nofollow)
      text(links, kind)
      links.endRow()
      read.links++
    }
    read.pages++
  }

  function addQuery({ query, searches, clicks, position }: LoggedQuery, place: string) {
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

  function addEdge({ fromSite, toSite, linkingPages, targetPages }: SiteEdge, place: string) {
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

  function addRank({ site, position }: WebRank, place: string) {
    const named = siteNamed(site)
    if (!named) return passOver({ place, reason: `${site} is not a site of the public web` })
    text(ranks, named)
    ranks.appendUInteger(position)
    ranks.endRow()
    read.ranks++
  }

  function flush(): void {
    waiting = 0
    for (const appender of Object.values(appenders)) appender.flushSync()
  }

  return {
    read,
    samples,
    remarks,
    flush,
    add(item: SourceItem, place: string): void {
      if ('page' in item) addPage(item.page, place)
      else if ('query' in item) addQuery(item.query, place)
      else if ('edge' in item) addEdge(item.edge, place)
      else if ('rank' in item) addRank(item.rank, place)
      else if ('bad' in item) passOver(item.bad)
      else remarks.add(item.remark)
      if (waiting >= flushAtCharacters) flush()
    },
    close(): void {
      for (const appender of Object.values(appenders)) {
        appender.clear()
        appender.closeSync()
      }
    },
  }
}

function tokensOf(text: string): string {
  return phraseTokens(text)
    .map((stretch) => stretch.join(' '))
    .join('\n')
}

/** The site in the one form that pages and links have it in. */
function siteNamed(site: string): string | null {
  return addressOf(`https://${site}`)?.site ?? null
}
