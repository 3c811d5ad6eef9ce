import { addressOf } from '../../pages/web-address.ts'
import type { SourceItem } from '../../source.ts'
import { shown } from '../shown.ts'
import type { TableKind } from './console-tables.ts'
import { readCount, readDecimal, withPlainDigits } from './written-number.ts'

/** The website whose owner exported. */
export interface Property {
  /** Its own address: what reported links lead to. */
  url: string
  site: string
}

export interface RowFacts {
  property: Property
  /** Of the table: the date of what it doesn't date. */
  modifiedAt: Date
}

/** @returns what is wrong with the row, a fragment of a sentence, where it can't be kept. */
export function readRow(
  cells: string[],
  { kind, clicksFirst }: { kind: TableKind; clicksFirst: boolean },
  facts: RowFacts,
): SourceItem | string {
  const columns = columnCounts[kind]
  if (columns && cells.length !== columns) return `it has ${cells.length} cells, not ${columns}`
  if (kind === 'queries') return query(cells, clicksFirst)
  if (kind === 'linking sites') return linkingSite(cells, facts.property)
  return linkingPage(cells, facts)
}

const columnCounts: Partial<Record<TableKind, number>> = {
  queries: 5,
  'linking sites': 3,
  'latest links': 2,
  'linking pages': 1,
}

function query(
  [text = '', first = '', second = '', , place = '']: string[],
  clicksFirst: boolean,
): SourceItem | string {
  const [clicksCell, searchesCell] = clicksFirst ? [first, second] : [second, first]
  const clicks = readCount(clicksCell)
  const searches = readCount(searchesCell)
  const position = readDecimal(place)
  if (text === '') return 'the query is empty'
  if (clicks === null) return notANumber('clicks', clicksCell)
  if (searches === null) return notANumber('impressions', searchesCell)
  if (position === null) return notANumber('the position', place)
  if (clicks > searches) return `it has more clicks (${clicks}) than impressions (${searches})`
  // Search Console writes 0 for a position that it does not know.
  if (position !== 0 && position < 1) return `the position is ${position}, above the first`
  return { query: { query: text, searches, clicks, position: position === 0 ? null : position } }
}

function linkingSite(
  [site = '', pages = '', targets = '']: string[],
  property: Property,
): SourceItem | string {
  const address = addressOf(/^https?:\/\//i.test(site) ? site : `https://${site}/`)
  const linkingPages = readCount(pages)
  const targetPages = readCount(targets)
  if (!address) return `“${shown(site)}” is not a site of the public web`
  if (linkingPages === null) return notANumber('linking pages', pages)
  if (targetPages === null) return notANumber('target pages', targets)
  if (address.site === property.site) return { passed: 1 }
  return { edge: { fromSite: address.site, toSite: property.site, linkingPages, targetPages } }
}

function linkingPage(
  [url = '', crawled]: string[],
  { property, modifiedAt }: RowFacts,
): SourceItem | string {
  const address = addressOf(url)
  if (!address) return `“${shown(url)}” is not a page of the public web`
  const seenAt = crawled === undefined ? modifiedAt : readDate(crawled)
  if (seenAt === null) return `“${shown(crawled ?? '')}” is not a date with the year first`
  if (address.site === property.site) return { passed: 1 }
  return { reported: { sourceUrl: address.url, targetUrl: property.url, seenAt } }
}

/**
 * `2026-01-31`, `2026/1/31`, `2026年1月31日`. With the day or month first nobody can say which is
 * which.
 */
function readDate(text: string): Date | null {
  const [, year, month, day] =
    /^(\d{4})[-/.年]\s?(\d{1,2})[-/.月]\s?(\d{1,2})(?!\d)/.exec(withPlainDigits(text)) ?? []
  if (!year || !month || !day) return null
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return date.getUTCMonth() === Number(month) - 1 ? date : null
}

const notANumber = (what: string, cell: string) => `${what} is “${shown(cell)}”, not a number`
