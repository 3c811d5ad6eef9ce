'use client'

import { createSortedRowModel, rowSortingFeature, type SortFn, tableFeatures, useTable } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Cell, Column, Row } from '#jobs/define-search.ts'
import { ColumnHeading } from './column-heading.tsx'
import { columnWidths } from './column-widths.ts'
import { ResultCell } from './result-cell.tsx'

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() })
const rowHeight = 34
/** As long as the animation of a row that has just arrived. */
const freshForMs = 1_400

interface ResultsTableProps {
  rows: Row[]
  columns: Column[]
  /** Rows from this one on have just arrived. */
  freshFrom: number | null
}

/** A table of any length: only what is in sight is in the page. */
export function ResultsTable({ rows, columns, freshFrom }: ResultsTableProps) {
  const definitions = useMemo(() => columns.map(definitionOf), [columns])
  const table = useTable({ features, columns: definitions, data: rows, enableSortingRemoval: true })
  const sorted = table.getRowModel().rows
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    // What the server renders, and the first paint: a screenful.
    initialRect: { width: 0, height: 640 },
  })
  const items = virtual.getVirtualItems()
  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const widths = useMemo(() => columnWidths(columns, rows), [columns, rows])
  const fresh = useFresh(freshFrom)

  return (
    <div ref={scroller} className="max-h-[calc(100dvh-19.5rem)] min-h-72 overflow-auto overscroll-x-contain">
      <table
        aria-rowcount={sorted.length + 1}
        className="min-w-full table-fixed border-separate border-spacing-0 text-sm"
        style={{ width: widths.reduce((sum, width) => sum + width, 0) }}
      >
        <colgroup>
          {columns.map((column, i) => (
            <col key={column.key} style={{ width: widths[i] }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {table.getHeaderGroups()[0]?.headers.map(({ id, column }, i) => {
              const shown = columns[i]
              return shown ? (
                <ColumnHeading key={id} column={shown} sorted={column.getIsSorted()} onSort={() => column.toggleSorting()} />
              ) : null
            })}
          </tr>
        </thead>
        <tbody>
          <Spacer height={above} columns={columns.length} />
          {items.map((item) => {
            const row = sorted[item.index]
            return row ? (
              <tr
                key={row.id}
                aria-rowindex={item.index + 2}
                data-row={row.index}
                className={`group ${fresh !== null && row.index >= fresh ? '[&>td]:animate-arrive' : ''}`}
              >
                {columns.map((column) => (
                  <ResultCell key={column.key} column={column} value={row.original[column.key] ?? null} />
                ))}
              </tr>
            ) : null
          })}
          <Spacer height={below} columns={columns.length} />
        </tbody>
      </table>
    </div>
  )
}

/** Stands for the rows that are out of sight. */
function Spacer({ height, columns }: { height: number; columns: number }) {
  return height > 0 ? (
    <tr aria-hidden>
      <td colSpan={columns} style={{ height, padding: 0 }} />
    </tr>
  ) : null
}

function definitionOf({ key, type }: Column) {
  return {
    id: key,
    // Undefined is what the table keeps at the end, whichever way it sorts.
    accessorFn: (row: Row) => row[key] ?? undefined,
    sortFn: byValue,
    sortUndefined: 'last' as const,
    sortDescFirst: type === 'number' || type === 'date' || type === 'boolean',
  }
}

const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

const byValue: SortFn<typeof features, Row> = (a, b, key) => compare(a.original[key] ?? null, b.original[key] ?? null)

function compare(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return words.compare(String(a), String(b))
}

/** Fresh rows stay so while they fade; scrolled back to, they must not flash again. */
function useFresh(freshFrom: number | null): number | null {
  const [stale, setStale] = useState<number | null>(null)
  useEffect(() => {
    if (freshFrom === null) return
    const fading = setTimeout(() => setStale(freshFrom), freshForMs)
    return () => clearTimeout(fading)
  }, [freshFrom])
  return freshFrom === stale ? null : freshFrom
}
