'use client'

import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Column } from '#jobs/define-search.ts'
import { ColumnHeading } from './column-heading.tsx'
import { columnWidths, sampledRows } from './column-widths.ts'
import { ResultCell } from './result-cell.tsx'
import type { RowOrder } from './row-order.ts'

const rowHeight = 34
/** As long as the animation of a row that has just arrived. */
const freshForMs = 1_400

interface ResultsTableProps {
  order: RowOrder
  columns: Column[]
  onSort(column: Column): void
  /** Rows from this one on have just arrived. */
  freshFrom: number | null
}

/** A table of any length: only what is in sight is in the page. */
export function ResultsTable({ order, columns, onSort, freshFrom }: ResultsTableProps) {
  const { indexes, rows, wish } = order
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: indexes.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    // What the server renders, and the first paint: a screenful.
    initialRect: { width: 0, height: 640 },
  })
  const items = virtual.getVirtualItems()
  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const widths = useColumnWidths(columns, order)
  const fresh = useFresh(freshFrom)

  return (
    <div
      ref={scroller}
      className="max-h-[calc(100dvh-19.5rem)] min-h-72 overflow-auto overscroll-x-contain"
    >
      <table
        aria-rowcount={indexes.length + 1}
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
            {columns.map((column) => (
              <ColumnHeading
                key={column.key}
                column={column}
                sorted={wish.sort?.key === column.key && (wish.sort.descending ? 'desc' : 'asc')}
                onSort={() => onSort(column)}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer height={above} columns={columns.length} />
          {items.map((item) => {
            const index = indexes[item.index]
            const row = index === undefined ? undefined : rows[index]
            return row && index !== undefined ? (
              <tr
                key={index}
                aria-rowindex={item.index + 2}
                data-row={index}
                className={`group ${fresh !== null && index >= fresh ? '[&>td]:animate-arrive' : ''}`}
              >
                {columns.map((column) => (
                  <ResultCell key={column.key} column={column} value={row[column.key] ?? null} />
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

/**
 * By the rows that were found first; they settle once there are enough of those, or the table would
 * move while it fills.
 */
function useColumnWidths(columns: Column[], { rows }: RowOrder): number[] {
  const sample = rows.slice(0, sampledRows).filter((row) => row !== undefined)
  const enough = sample.length
  // Rows never change, their number grows.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first rows decide the widths
  return useMemo(() => columnWidths(columns, sample), [columns, rows[0], enough])
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
