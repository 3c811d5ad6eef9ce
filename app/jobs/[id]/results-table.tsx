'use client'

import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Column } from '#jobs/define-search.ts'
import { ColumnHeading } from './column-heading.tsx'
import { columnWidths, sampledRows } from './column-widths.ts'
import { ResultCell } from './result-cell.tsx'
import type { RowOrder, RowSort } from './row-order.ts'

const rowHeight = 34
/** As long as the `arrive` animation in globals.css. */
const freshForMs = 1_400

interface ResultsTableProps {
  order: RowOrder
  columns: Column[]
  onSort(column: Column): void
  /** Index of the first row that has just arrived. */
  freshFrom: number | null
}

/** A virtualised table: only the visible rows are in the DOM. */
export function ResultsTable({ order, columns, onSort, freshFrom }: ResultsTableProps) {
  const { indexes, rows, criteria } = order
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: indexes.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    // The server and the first paint render one screenful.
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
                sorted={sortOf(column, criteria.sort)}
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

function sortOf(column: Column, sort: RowSort | null): false | 'asc' | 'desc' {
  if (sort?.key !== column.key) return false
  return sort.descending ? 'desc' : 'asc'
}

/** Takes the height of the rows that are not rendered. */
function Spacer({ height, columns }: { height: number; columns: number }) {
  return height > 0 ? (
    <tr aria-hidden>
      <td colSpan={columns} style={{ height, padding: 0 }} />
    </tr>
  ) : null
}

/** Widths follow the first rows and settle once there are enough, so the table doesn't shift. */
function useColumnWidths(columns: Column[], { rows }: RowOrder): number[] {
  const sample = rows.slice(0, sampledRows).filter((row) => row !== undefined)
  const sampleSize = sample.length
  // A row never changes; only their number grows.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first rows decide the widths
  return useMemo(() => columnWidths(columns, sample), [columns, rows[0], sampleSize])
}

/** Fresh rows are highlighted once; they must not flash again when scrolled back into view. */
function useFresh(freshFrom: number | null): number | null {
  const [fadedFrom, setFadedFrom] = useState<number | null>(null)
  useEffect(() => {
    if (freshFrom === null) return
    const fading = setTimeout(() => setFadedFrom(freshFrom), freshForMs)
    return () => clearTimeout(fading)
  }, [freshFrom])
  return freshFrom === fadedFrom ? null : freshFrom
}
