import { inspectHost } from '../../pages/web-address.ts'
import { type Dimension, hintOf, isCountry, isDevice } from './console-words.ts'
import { readCount, readDecimal, readShare, withPlainDigits } from './written-number.ts'

/** What a table of an export is. */
export type TableKind =
  | Dimension
  | 'pages'
  | 'dates'
  | 'filters'
  | 'linking sites'
  | 'latest links'
  | 'linking pages'
  | 'linked pages'
  | 'linking text'
  | 'no rows'

/** What is known of a table before it is read whole. */
export interface TableHead {
  name: string
  /** The first rows, the first of which is the header, if there is one. */
  rows: string[][]
}

export type Recognised =
  | { kind: TableKind; hasHeader: boolean; clicksFirst: boolean }
  /** A fragment of a sentence. */
  | { doubt: string }

export interface Recognition {
  /** The tables are in the order in which Search Console writes them into its archive. */
  inOrder: boolean
  /** Whoever imports says what a table of words is. */
  told?: 'queries' | undefined
}

const isUrl = (cell: string) => /^https?:\/\/\S+$/i.test(cell)
const isDate = (cell: string) =>
  /^\d{1,4}([-./年])\d{1,2}[-./月]\d{1,4}日?(?:[T ].*)?$/.test(withPlainDigits(cell))
const isSite = (cell: string) => {
  const found = inspectHost(cell)
  return !/[\s/]/.test(cell) && found.isIcann === true && found.domain !== null
}
const isText = (cell: string) => cell !== '' && !isUrl(cell)
const isCount = (cell: string) => readCount(cell) !== null
const isDecimal = (cell: string) => readDecimal(cell) !== null
const isShare = (cell: string) => readShare(cell) !== null

/**
 * The tables by what is in their columns; where two fit as many rows, the first. Words in headers
 * play no part.
 */
const shapes: [TableKind | 'performance', ((cell: string) => boolean)[]][] = [
  ['dates', [isDate, isCount, isCount, isShare, isDecimal]],
  ['pages', [isUrl, isCount, isCount, isShare, isDecimal]],
  ['performance', [isText, isCount, isCount, isShare, isDecimal]],
  ['linked pages', [isUrl, isCount, isCount]],
  ['linking sites', [isSite, isCount, isCount]],
  ['latest links', [isUrl, isDate]],
  ['linked pages', [isUrl, isCount]],
  ['linking text', [isCount, isText]],
  ['linking text', [isText, isCount]],
  ['filters', [isText, isText]],
  ['linking pages', [isUrl]],
  ['linking text', [isText]],
]

const fits = (row: string[], columns: ((cell: string) => boolean)[]) =>
  row.length === columns.length && columns.every((holds, at) => holds(row[at] ?? ''))

/**
 * A table is what this share of its rows says at least; of the others the build hears row by row,
 * and refuses too many of them itself.
 */
const fewestFitting = 0.2

const most = <Item>(items: Item[], test: (item: Item) => boolean) =>
  items.filter(test).length * 2 > items.length

/**
 * Says what the tables of one export are. Those of words (queries, countries, devices, search
 * appearance) are told apart last, by the others around them.
 */
export function recogniseTables(heads: TableHead[], recognition: Recognition): Recognised[] {
  const shaped = heads.map((head) => shapeOf(head))
  const landmark = shaped.findIndex(
    (found, at) =>
      found.kind === 'pages' ||
      (found.kind === 'performance' && most(bodyOf(heads[at]), ([cell]) => isCountry(cell ?? ''))),
  )
  const before = shaped.filter((found, at) => found.kind === 'performance' && at < landmark).length
  return heads.map((head, at): Recognised => {
    const { kind, hasHeader } = shaped[at] ?? { kind: null, hasHeader: false }
    if (kind === null)
      return { doubt: `${columnsOf(head)} is no table of Search Console that is known here` }
    if (kind !== 'performance') return { kind, hasHeader, clicksFirst: true }
    const rows = hasHeader ? bodyOf(head) : head.rows
    const place =
      !recognition.inOrder || landmark < 0
        ? null
        : at > landmark
          ? 'after'
          : before === 1 && at < landmark
            ? 'before'
            : null
    const dimension = dimensionOf(head, rows, place, recognition.told)
    if (dimension === null) return { doubt: doubtAbout(head, rows) }
    if (dimension !== 'queries') return { kind: dimension, hasHeader, clicksFirst: true }
    const clicksFirst = areClicksFirst(rows)
    if (clicksFirst === null)
      return {
        doubt: 'its fourth column is not the second divided by the third, nor the other way round',
      }
    return { kind: dimension, hasHeader, clicksFirst }
  })
}

const bodyOf = (head: TableHead | undefined) => head?.rows.slice(1) ?? []

function shapeOf(head: TableHead): { kind: TableKind | 'performance' | null; hasHeader: boolean } {
  const body = bodyOf(head)
  if (body.length === 0) return { kind: 'no rows', hasHeader: true }
  const [fitting, best] = shapes.reduce<[number, (typeof shapes)[number] | null]>(
    (most, shape) => {
      const rows = body.filter((row) => fits(row, shape[1])).length
      return rows > most[0] ? [rows, shape] : most
    },
    [0, null],
  )
  if (!best || fitting < body.length * fewestFitting) return { kind: null, hasHeader: true }
  const [kind, columns] = best
  // Where the columns hold nothing but words, a header looks like any row.
  return {
    kind,
    hasHeader: columns.every((holds) => holds === isText) || !fits(head.rows[0] ?? [], columns),
  }
}

/**
 * Search Console has at most so many search appearances and devices, so a longer table of words is
 * of queries or countries.
 */
const mostOthers = 40

function dimensionOf(
  head: TableHead,
  rows: string[][],
  place: 'before' | 'after' | null,
  told: 'queries' | undefined,
): Dimension | null {
  if (told) return told
  const cells = rows.map(([cell]) => cell ?? '')
  if (most(cells, isCountry)) return 'countries'
  if (cells.length <= 4 && most(cells, isDevice)) return 'devices'
  const hint = hintOf(head.name, head.rows[0]?.[0] ?? '')
  if (hint) return hint
  // Queries are told in lower case; what the interface names begins with a capital letter, in
  // scripts that have them.
  const capitals = most(cells, (cell) => /\p{Lu}/u.test(cell))
  if (capitals) return cells.length > mostOthers ? null : 'search appearance'
  if (cells.length > mostOthers) return 'queries'
  if (place === 'before') return 'queries'
  return place === 'after' ? 'search appearance' : null
}

/** Which of the two counts divided by the other gives the click rate. null where neither does. */
function areClicksFirst(rows: string[][]): boolean | null {
  let first = 0
  let second = 0
  let told = 0
  for (const row of rows) {
    const [a, b, rate] = [readCount(row[1] ?? ''), readCount(row[2] ?? ''), readShare(row[3] ?? '')]
    if (a === null || b === null || rate === null || (a === 0 && b === 0)) continue
    told++
    if (gives(a, b, rate)) first++
    if (gives(b, a, rate)) second++
  }
  if (Math.max(first, second) * 2 < told) return null
  return first >= second
}

/** Rates are rounded to whole percents at worst, and `<1%` says no more than that. */
const gives = (clicks: number, impressions: number, rate: number) =>
  impressions > 0 && Math.abs(clicks / impressions - rate) <= 0.0101

function doubtAbout(head: TableHead, rows: string[][]): string {
  const some = rows.slice(0, 3).map(([cell]) => `“${cell}”`)
  return `${columnsOf(head)} could be queries as well as countries, devices or search appearances (${some.join(', ')}…)`
}

const columnsOf = (head: TableHead) => {
  const names = head.rows[0] ?? []
  return `a table of ${names.length} ${names.length === 1 ? 'column' : 'columns'} (${names.map((name) => `“${name.slice(0, 30)}”`).join(', ')})`
}
