export interface TopOrder<Row> {
  /** Number of rows to keep. */
  limit: number
  /** Negative if `a` comes first. */
  compare(a: Row, b: Row): number
  /** Of several rows with the same key, only the first is kept. */
  keyOf(row: Row): string
}

/** Keeps the first `limit` rows of all that are added. */
export class TopRows<Row> {
  readonly #order: TopOrder<Row>
  #rows: Row[] = []
  #settled = true

  constructor(order: TopOrder<Row>) {
    this.#order = order
  }

  add(rows: readonly Row[]): void {
    if (rows.length === 0) return
    this.#rows = this.#rows.concat(rows)
    this.#settled = false
  }

  /** In order. */
  get rows(): readonly Row[] {
    if (!this.#settled) this.#settle()
    return this.#rows
  }

  /** The last row, once there are `limit` rows: a row that comes after it is of no use. */
  get floor(): Row | undefined {
    const { limit } = this.#order
    return this.#rows.length < limit ? undefined : this.rows[limit - 1]
  }

  #settle(): void {
    const { limit, keyOf } = this.#order
    const keys = new Set<string>()
    const kept: Row[] = []
    for (const row of this.#rows.sort(this.#order.compare)) {
      if (kept.length === limit) break
      const key = keyOf(row)
      if (keys.has(key)) continue
      keys.add(key)
      kept.push(row)
    }
    this.#rows = kept
    this.#settled = true
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
