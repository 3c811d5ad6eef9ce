import type { Cell, Row } from '#jobs/define-search.ts'

export interface RowSort {
  key: string
  descending: boolean
}

/** Which rows to show, and in which order. */
export interface RowCriteria {
  /** Lower case; rows must contain it. Empty for all rows. */
  query: string
  /** Null for the order of arrival. */
  sort: RowSort | null
}

/** The matching rows in order. Immutable. */
export interface RowOrder {
  /** Into `rows`; holes are left out. */
  indexes: Uint32Array
  rows: readonly (Row | undefined)[]
  criteria: RowCriteria
}

/**
 * Filters and sorts rows. Only rows that are new or others than in `previous` are sorted and merged
 * in, so adding or changing a few in a long table stays cheap.
 */
export function orderRows(
  rows: RowOrder['rows'],
  criteria: RowCriteria,
  previous: RowOrder | null,
): RowOrder {
  const base =
    previous !== null && sameCriteria(previous.criteria, criteria) ? previous : nothingIn(criteria)
  const { added, changed } = differences(base.rows, rows)
  const ordered =
    changed.size === 0 ? base.indexes : base.indexes.filter((index) => !changed.has(index))
  const arrived = [...added, ...changed].filter((index) => matches(rows[index], criteria.query))
  const compare = (a: number, b: number) => compareRows(a, b, criteria.sort, rows)
  // Without a sort, added rows are already in order.
  if (criteria.sort || changed.size > 0) arrived.sort(compare)
  return { rows, criteria, indexes: merge(ordered, arrived, compare) }
}

function sameCriteria(a: RowCriteria, b: RowCriteria): boolean {
  return (
    a.query === b.query && a.sort?.key === b.sort?.key && a.sort?.descending === b.sort?.descending
  )
}

const nothingIn = (criteria: RowCriteria): RowOrder => ({
  indexes: new Uint32Array(),
  rows: [],
  criteria,
})

/** Indexes of the new rows, ascending, and of rows that are others now. A row is never modified. */
function differences(
  previous: RowOrder['rows'],
  rows: RowOrder['rows'],
): { added: number[]; changed: Set<number> } {
  const added: number[] = []
  const changed = new Set<number>()
  for (let i = 0; i < Math.max(rows.length, previous.length); i++) {
    if (rows[i] === previous[i]) continue
    if (previous[i] === undefined) added.push(i)
    else changed.add(i)
  }
  return { added, changed }
}

function matches(row: Row | undefined, query: string): boolean {
  if (row === undefined || query === '') return row !== undefined
  return Object.values(row).some(
    (cell) => cell !== null && String(cell).toLowerCase().includes(query),
  )
}

/** Merges two ordered lists of indexes into one. */
function merge(
  ordered: Uint32Array,
  arrived: readonly number[],
  compare: (a: number, b: number) => number,
): Uint32Array {
  const all = new Uint32Array(ordered.length + arrived.length)
  let from = 0
  let end = 0
  for (const index of arrived) {
    const to = insertionPoint(index, from, ordered, compare)
    all.set(ordered.subarray(from, to), end)
    end += to - from
    all[end++] = index
    from = to
  }
  all.set(ordered.subarray(from), end)
  return all
}

/** Binary search from `low` on: the first position whose row comes after that of `index`. */
function insertionPoint(
  index: number,
  low: number,
  ordered: Uint32Array,
  compare: (a: number, b: number) => number,
): number {
  let [from, to] = [low, ordered.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (compare(ordered[middle] ?? 0, index) < 0) from = middle + 1
    else to = middle
  }
  return from
}

/** Nulls come last in both directions; equal cells keep their order of arrival. */
function compareRows(a: number, b: number, sort: RowSort | null, rows: RowOrder['rows']): number {
  if (sort === null) return a - b
  const { key, descending } = sort
  const left = rows[a]?.[key] ?? null
  const right = rows[b]?.[key] ?? null
  if (left === null || right === null) return left === right ? a - b : left === null ? 1 : -1
  return (descending ? compareCells(right, left) : compareCells(left, right)) || a - b
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

function compareCells(a: NonNullable<Cell>, b: NonNullable<Cell>): number {
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : collator.compare(String(a), String(b))
}
