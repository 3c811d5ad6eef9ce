import { addressOf } from '../../pages/web-address.ts'
import type { SourceItem } from '../../source.ts'
import { shown } from '../files/shown.ts'
import type { TableKind } from './console-tables.ts'
import { readCount, readDecimal, withPlainDigits } from './written-number.ts'

/** The Search Console property that was exported. */
export interface Property {
  /** The target of reported links. */
  url: string
  site: string
}

export interface RowFacts {
  property: Property
  /** When the table was modified: the date of rows without a date. */
  modifiedAt: Date
}

/** @returns the row as an item, or a sentence fragment that says what is wrong with it. */
export function readRow(
  cells: string[],
  { kind, clicksFirst }: { kind: TableKind; clicksFirst: boolean },
  facts: RowFacts,
): SourceItem | string {
  const columns = columnCounts[kind]
  if (columns && cells.length !== columns) return `it has ${cells.length} cells, not ${columns}`
  if (kind === 'queries') return query(cells, clicksFirst)
  if (kind === 'referring domains') return referringDomain(cells, facts.property)
  return linkingPage(cells, facts)
}

const columnCounts: Partial<Record<TableKind, number>> = {
  queries: 5,
  'referring domains': 3,
  'latest links': 2,
  'linking pages': 1,
}

function query(
  [text = '', first = '', second = '', , positionCell = '']: string[],
  clicksFirst: boolean,
): SourceItem | string {
  const [clicksCell, searchesCell] = clicksFirst ? [first, second] : [second, first]
  const clicks = readCount(clicksCell)
  const searches = readCount(searchesCell)
  const position = readDecimal(positionCell)
  if (text === '') return 'its query is empty'
  if (clicks === null) return notANumber('clicks', clicksCell)
  if (searches === null) return notANumber('impressions', searchesCell)
  if (position === null) return notANumber('position', positionCell)
  if (clicks > searches) return `it has more clicks (${clicks}) than impressions (${searches})`
  // Search Console writes 0 for an unknown position.
  if (position !== 0 && position < 1) return `its position is ${position}, which is less than 1`
  return { query: { query: text, searches, clicks, position: position === 0 ? null : position } }
}

function referringDomain(
  [site = '', pages = '', targets = '']: string[],
  property: Property,
): SourceItem | string {
  const address = addressOf(/^https?:\/\//i.test(site) ? site : `https://${site}/`)
  const linkingPages = readCount(pages)
  const targetPages = readCount(targets)
  if (!address) return `“${shown(site)}” is not a site on the public web`
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
  if (!address) return `“${shown(url)}” is not a page on the public web`
  const seenAt = crawled === undefined ? modifiedAt : readDate(crawled)
  if (seenAt === null) return `“${shown(crawled ?? '')}” is not a date with the year first`
  if (address.site === property.site) return { passed: 1 }
  return { reported: { sourceUrl: address.url, targetUrl: property.url, seenAt } }
}

/**
 * `2026-01-31`, `2026/1/31`, `2026年1月31日`. If the year is not first, the day and the month can't be
 * told apart.
 */
function readDate(text: string): Date | null {
  const [, year, month, day] =
    /^(\d{4})[-/.年]\s?(\d{1,2})[-/.月]\s?(\d{1,2})(?!\d)/.exec(withPlainDigits(text)) ?? []
  if (!year || !month || !day) return null
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return date.getUTCMonth() === Number(month) - 1 ? date : null
}

const notANumber = (column: string, cell: string) =>
  `its value for ${column} is “${shown(cell)}”, not a number`
