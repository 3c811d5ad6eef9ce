import type { Cell, Row } from '#jobs/define-search.ts'

export interface RowSort {
  key: string
  descending: boolean
}

/** What is shown of the rows, and in which order. */
export interface RowWish {
  /** In lower case; empty for all. */
  query: string
  /** Null for the order in which they were found. */
  sort: RowSort | null
}

/** Indexes of the rows that are shown, in order; holes are not. Never changed, only replaced. */
export interface RowOrder {
  indexes: Uint32Array
  rows: readonly (Row | undefined)[]
  wish: RowWish
}

/**
 * Orders rows. Where they are those of `before` and more, as while a search runs, only what is new
 * is looked at: each goes to its place in what is ordered already, so that an arrival in a long
 * table costs little more than in a short one.
 */
export function orderRows(
  rows: RowOrder['rows'],
  wish: RowWish,
  before: RowOrder | null,
): RowOrder {
  const added = before !== null && sameWish(before.wish, wish) ? addedTo(before.rows, rows) : null
  const held = added === null || before === null ? new Uint32Array() : before.indexes
  const arrived = (added ?? addedTo([], rows) ?? []).filter((index) =>
    matches(rows[index], wish.query),
  )
  const inOrder = (a: number, b: number) => compareRows(a, b, wish.sort, rows)
  // They come in the order in which they were found.
  if (wish.sort) arrived.sort(inOrder)
  return { rows, wish, indexes: placed(held, arrived, inOrder) }
}

function sameWish(a: RowWish, b: RowWish): boolean {
  return (
    a.query === b.query && a.sort?.key === b.sort?.key && a.sort?.descending === b.sort?.descending
  )
}

/**
 * Indexes of the rows that are new; null when these are not the rows of before and more. A row
 * itself never changes.
 */
function addedTo(before: RowOrder['rows'], rows: RowOrder['rows']): number[] | null {
  if (rows.length < before.length) return null
  const added: number[] = []
  for (let i = 0; i < rows.length; i++) {
    if (rows[i] === before[i]) continue
    if (before[i] !== undefined) return null
    added.push(i)
  }
  return added
}

function matches(row: Row | undefined, query: string): boolean {
  if (row === undefined || query === '') return row !== undefined
  return Object.values(row).some(
    (cell) => cell !== null && String(cell).toLowerCase().includes(query),
  )
}

/** Each of `arrived`, itself in order, at its place among those held. */
function placed(
  held: Uint32Array,
  arrived: readonly number[],
  inOrder: (a: number, b: number) => number,
): Uint32Array {
  const all = new Uint32Array(held.length + arrived.length)
  let from = 0
  let end = 0
  for (const index of arrived) {
    const to = firstAfter(index, from, held, inOrder)
    all.set(held.subarray(from, to), end)
    end += to - from
    all[end++] = index
    from = to
  }
  all.set(held.subarray(from), end)
  return all
}

/** The first place from `low` on whose row comes after that of `index`. */
function firstAfter(
  index: number,
  low: number,
  held: Uint32Array,
  inOrder: (a: number, b: number) => number,
): number {
  let [from, to] = [low, held.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (inOrder(held[middle] ?? 0, index) < 0) from = middle + 1
    else to = middle
  }
  return from
}

/**
 * Nothing stays at the end, whichever way the rest is sorted; equals keep the order in which they
 * were found.
 */
function compareRows(a: number, b: number, sort: RowSort | null, rows: RowOrder['rows']): number {
  if (sort === null) return a - b
  const { key, descending } = sort
  const left = rows[a]?.[key] ?? null
  const right = rows[b]?.[key] ?? null
  if (left === null || right === null) return left === right ? a - b : left === null ? 1 : -1
  return (descending ? compare(right, left) : compare(left, right)) || a - b
}

const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

function compare(a: NonNullable<Cell>, b: NonNullable<Cell>): number {
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : words.compare(String(a), String(b))
}
