import type { Cells } from './define-search.ts'
import type { RunEvent } from './run-write.ts'

/** Changes of rows that a run has yielded and that are logged already. */
export class ChangedRows {
  readonly #attempt: number
  /** By the index of a row: all its changed cells. */
  readonly #cells = new Map<number, Cells>()
  /** Rows that have changed since the last event. */
  readonly #since = new Set<number>()

  constructor(attempt: number) {
    this.#attempt = attempt
  }

  get pending(): boolean {
    return this.#since.size > 0
  }

  /** @returns all changed cells of the row, with these among them, as JSON */
  withCells(index: number, cells: Cells): string {
    return JSON.stringify({ ...this.#cells.get(index), ...cells })
  }

  change(index: number, cells: Cells): void {
    this.#cells.set(index, { ...this.#cells.get(index), ...cells })
    this.#since.add(index)
  }

  /** Turns the changes since the last call into events, each of up to `rowsPerEvent` rows. */
  takeEvents(rowsPerEvent: number): RunEvent[] {
    const changed = [...this.#since]
    this.#since.clear()
    const events: RunEvent[] = []
    for (let from = 0; from < changed.length; from += rowsPerEvent) {
      const patches = changed
        .slice(from, from + rowsPerEvent)
        .map((index) => [index, JSON.stringify(this.#cells.get(index))] as const)
      const rows = patches.map(([index, cells]) => `[${index},${cells}]`)
      const data = `{"attempt":${this.#attempt},"rows":[${rows.join(',')}]}`
      events.push({ type: 'patch', data, rows: 0, patches })
    }
    return events
  }
}
