import { useMemo, useRef } from 'react'
import { orderRows, type RowOrder, type RowSort } from './row-order.ts'

/** The rows in order, made of what was ordered before as far as that goes. */
export function useRowOrder(rows: RowOrder['rows'], query: string, sort: RowSort | null): RowOrder {
  // Also of a rendering that was given up for newer rows: an order is true of its rows whether it
  // was shown or not, and were it lost, rows that come faster than they can be ordered anew would
  // never be shown.
  const last = useRef<RowOrder | null>(null)
  return useMemo(() => {
    last.current = orderRows(rows, { query, sort }, last.current)
    return last.current
  }, [rows, query, sort])
}
