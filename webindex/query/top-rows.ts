/** Orders rows: negative if `a` comes first, 0 if both are the same row. */
export type Compare<Row> = (a: Row, b: Row) => number

/** Keeps the first `limit` rows of all that are added. */
export class TopRows<Row> {
  readonly #limit: number
  readonly #compare: Compare<Row>
  #rows: Row[] = []
  #inOrder = true

  constructor(limit: number, compare: Compare<Row>) {
    this.#limit = limit
    this.#compare = compare
  }

  /** @param rows that are held already are ignored. */
  add(rows: readonly Row[]): void {
    if (rows.length === 0) return
    this.#rows = this.#rows.concat(rows)
    this.#inOrder = false
  }

  /** In order. */
  get rows(): readonly Row[] {
    if (this.#inOrder) return this.#rows
    const sorted = this.#rows.sort(this.#compare)
    const isFirst = (row: Row, at: number) =>
      at === 0 || this.#compare(sorted[at - 1] as Row, row) !== 0
    this.#rows = sorted.filter(isFirst).slice(0, this.#limit)
    this.#inOrder = true
    return this.#rows
  }

  /** The last row, once there are `limit` rows: a row that comes after it is of no use. */
  get floor(): Row | undefined {
    return this.#rows.length < this.#limit ? undefined : this.rows[this.#limit - 1]
  }
}

/** Larger numbers first, null last. */
export function largestFirst(a: number | null, b: number | null): number {
  if (a === b) return 0
  if (a === null) return 1
  return b === null ? -1 : b - a
}

/** The order of DuckDB: by code point, where JavaScript compares UTF-16 units. */
export function byCodePoint(a: string, b: string): number {
  let at = 0
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1)
}
