import { inspectHost } from '../../pages/web-address.ts'
import { type Dimension, hintOf, isCountry, isDevice } from './console-words.ts'
import { readCount, readDecimal, readShare, withPlainDigits } from './written-number.ts'

/** The content of a table in an export. */
export type TableKind =
  | Dimension
  | 'pages'
  | 'dates'
  | 'filters'
  | 'referring domains'
  | 'latest links'
  | 'linking pages'
  | 'linked pages'
  | 'linking text'
  | 'no rows'

/** The start of a table. */
export interface TableHead {
  name: string
  /** The first rows, including the header if there is one. */
  rows: string[][]
}

export type Recognised =
  | { kind: TableKind; hasHeader: boolean; clicksFirst: boolean }
  /** Why the table was not recognised, as a sentence fragment. */
  | { doubt: string }

export interface Recognition {
  /** Whether the tables are in the order in which Search Console writes them into its archive. */
  inOrder: boolean
  /** What a table of words holds, if the user has said so. */
  declared?: 'queries' | undefined
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
 * The kinds of tables by the content of their columns; headers don't matter. If two shapes fit the
 * same number of rows, the first wins.
 */
const knownShapes: [TableKind | 'performance', ((cell: string) => boolean)[]][] = [
  ['dates', [isDate, isCount, isCount, isShare, isDecimal]],
  ['pages', [isUrl, isCount, isCount, isShare, isDecimal]],
  ['performance', [isText, isCount, isCount, isShare, isDecimal]],
  ['linked pages', [isUrl, isCount, isCount]],
  ['referring domains', [isSite, isCount, isCount]],
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
 * The share of rows that must fit a shape. It is low because the other rows are reported as bad,
 * and the build fails if most rows are bad.
 */
const minFitting = 0.2

const most = <Item>(items: Item[], test: (item: Item) => boolean) =>
  items.filter(test).length * 2 > items.length

/**
 * Recognises the tables of one export. Tables of words (queries, countries, devices, search
 * appearance) look alike, so their position among the other tables may decide.
 */
export function recogniseTables(heads: TableHead[], recognition: Recognition): Recognised[] {
  const shapes = heads.map((head) => shapeOf(head))
  const placements = recognition.inOrder ? placementsOf(heads, shapes) : []
  return heads.map((head, at): Recognised => {
    const shape = shapes[at] ?? { kind: null, hasHeader: false }
    const { kind, hasHeader } = shape
    if (kind === null)
      return { doubt: `${describeColumns(head)} is not a known Search Console table` }
    if (kind !== 'performance') return { kind, hasHeader, clicksFirst: true }
    const rows = hasHeader ? bodyOf(head) : head.rows
    const { declared } = recognition
    const dimension = dimensionOf(head, rows, { placement: placements[at] ?? null, declared })
    if (dimension === null) return { doubt: doubtAbout(head, rows) }
    if (dimension !== 'queries') return { kind: dimension, hasHeader, clicksFirst: true }
    const clicksFirst = areClicksFirst(rows)
    if (clicksFirst !== null) return { kind: dimension, hasHeader, clicksFirst }
    return {
      doubt:
        'its fourth column is not the click rate: neither column 2 ÷ column 3 nor column 3 ÷ column 2',
    }
  })
}

interface Shape {
  kind: TableKind | 'performance' | null
  hasHeader: boolean
}

/** Where a table is in its archive, relative to the table of pages or countries. */
type Placement = 'before' | 'after' | null

/** 'before' only if there is just one performance table before it: the table of queries. */
function placementsOf(heads: TableHead[], shapes: Shape[]): Placement[] {
  const landmark = shapes.findIndex(
    ({ kind }, at) =>
      kind === 'pages' ||
      (kind === 'performance' && most(bodyOf(heads[at]), ([cell]) => isCountry(cell ?? ''))),
  )
  const before = shapes.filter(({ kind }, at) => kind === 'performance' && at < landmark).length
  return shapes.map((_, at) => {
    if (landmark < 0 || at === landmark) return null
    if (at > landmark) return 'after'
    return before === 1 ? 'before' : null
  })
}

const bodyOf = (head: TableHead | undefined) => head?.rows.slice(1) ?? []

function shapeOf(head: TableHead): Shape {
  const body = bodyOf(head)
  if (body.length === 0) return { kind: 'no rows', hasHeader: true }
  const [fitting, best] = knownShapes.reduce<[number, (typeof knownShapes)[number] | null]>(
    (best, shape) => {
      const rows = body.filter((row) => fits(row, shape[1])).length
      return rows > best[0] ? [rows, shape] : best
    },
    [0, null],
  )
  if (!best || fitting < body.length * minFitting) return { kind: null, hasHeader: true }
  const [kind, columns] = best
  // If all columns hold words, the header looks like any other row.
  return {
    kind,
    hasHeader: columns.every((holds) => holds === isText) || !fits(head.rows[0] ?? [], columns),
  }
}

/** Search Console has no more search appearances, so a longer table holds queries. */
const maxSearchAppearances = 40

function dimensionOf(
  head: TableHead,
  rows: string[][],
  { placement, declared }: { placement: Placement; declared: 'queries' | undefined },
): Dimension | null {
  if (declared) return declared
  const cells = rows.map(([cell]) => cell ?? '')
  if (most(cells, isCountry)) return 'countries'
  if (cells.length <= 4 && most(cells, isDevice)) return 'devices'
  const hint = hintOf(head.name, head.rows[0]?.[0] ?? '')
  if (hint) return hint
  // Search Console writes queries in lower case. Names from its interface are capitalised, in
  // scripts that have capital letters.
  const isCapitalised = most(cells, (cell) => /\p{Lu}/u.test(cell))
  if (isCapitalised) return cells.length > maxSearchAppearances ? null : 'search appearance'
  if (cells.length > maxSearchAppearances) return 'queries'
  if (placement === 'before') return 'queries'
  return placement === 'after' ? 'search appearance' : null
}

/**
 * Whether clicks come before impressions: which count divided by the other gives the click rate.
 * null if neither does.
 */
function areClicksFirst(rows: string[][]): boolean | null {
  let first = 0
  let second = 0
  let compared = 0
  for (const row of rows) {
    const [a, b, rate] = [readCount(row[1] ?? ''), readCount(row[2] ?? ''), readShare(row[3] ?? '')]
    if (a === null || b === null || rate === null || (a === 0 && b === 0)) continue
    compared++
    if (isClickRate(rate, a, b)) first++
    if (isClickRate(rate, b, a)) second++
  }
  if (Math.max(first, second) * 2 < compared) return null
  return first >= second
}

/** Allows one percentage point, as rates may be rounded to whole percents or written as `<1%`. */
const isClickRate = (rate: number, clicks: number, impressions: number) =>
  impressions > 0 && Math.abs(clicks / impressions - rate) <= 0.0101

function doubtAbout(head: TableHead, rows: string[][]): string {
  const examples = rows.slice(0, 3).map(([cell]) => `“${cell}”`)
  return `${describeColumns(head)} could hold queries, countries, devices or search appearances (${examples.join(', ')}…)`
}

const describeColumns = (head: TableHead) => {
  const names = head.rows[0] ?? []
  return `a table of ${names.length} ${names.length === 1 ? 'column' : 'columns'} (${names.map((name) => `“${name.slice(0, 30)}”`).join(', ')})`
}
