import { useMemo, useRef } from 'react'
import { orderRows, type RowOrder, type RowSort } from './row-order.ts'

/** The rows in order, computed from the previous order where possible. */
export function useRowOrder(rows: RowOrder['rows'], query: string, sort: RowSort | null): RowOrder {
  // A ref, so that the order of an interrupted render is reused too. It is valid for its rows even
  // if it was never shown. Without it, rows that arrive faster than they can be sorted from scratch
  // would never be shown.
  const last = useRef<RowOrder | null>(null)
  return useMemo(() => {
    last.current = orderRows(rows, { query, sort }, last.current)
    return last.current
  }, [rows, query, sort])
}
