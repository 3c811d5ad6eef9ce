import type { Column, Row } from '#jobs/define-search.ts'
import { cellText } from './cell-text.ts'

/** Average width of a character in pixels. Headings use a smaller font than cells. */
const characterWidth = { heading: 6.7, cell: 7.2 }
const padding = 28
const limits: Record<Column['type'], { min: number; max: number }> = {
  text: { min: 96, max: 220 },
  domain: { min: 150, max: 280 },
  url: { min: 160, max: 320 },
  date: { min: 104, max: 120 },
  number: { min: 70, max: 150 },
  boolean: { min: 72, max: 110 },
}
/** Enough to judge a column. With more, the widths would keep changing while rows arrive. */
export const sampledRows = 50

/** The width of each column in pixels, estimated from its heading and its first cells. */
export function columnWidths(columns: readonly Column[], rows: readonly Row[]): number[] {
  return columns.map((column) => {
    const { min, max } = limits[column.type]
    const heading =
      (column.label.length + (column.unit ? column.unit.length + 3 : 0)) * characterWidth.heading
    const cells = rows
      .slice(0, sampledRows)
      .map((row) => cellText(column, row[column.key] ?? null).length * characterWidth.cell)
    return Math.round(
      Math.min(max, Math.max(min, heading + padding, Math.max(0, ...cells) + padding)),
    )
  })
}
