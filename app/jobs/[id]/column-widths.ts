import type { Column, Row } from '#jobs/define-search.ts'
import { cellText } from './cell-text.ts'

/** Of an average character, in pixels: headings are set smaller than cells. */
const characterWidth = { heading: 6.7, cell: 7.2 }
const padding = 28
const limits: Record<Column['type'], { least: number; most: number }> = {
  text: { least: 96, most: 220 },
  domain: { least: 150, most: 280 },
  url: { least: 160, most: 320 },
  date: { least: 104, most: 120 },
  number: { least: 70, most: 150 },
  boolean: { least: 72, most: 110 },
}
/**
 * Enough to see what a column is like; looking at more would make the table move while it fills.
 */
export const sampledRows = 50

/** How wide each column is, in pixels, by its heading and its first cells. */
export function columnWidths(columns: readonly Column[], rows: readonly Row[]): number[] {
  return columns.map((column) => {
    const { least, most } = limits[column.type]
    const heading =
      (column.label.length + (column.unit ? column.unit.length + 3 : 0)) * characterWidth.heading
    const cells = rows
      .slice(0, sampledRows)
      .map((row) => cellText(column, row[column.key] ?? null).length * characterWidth.cell)
    return Math.round(
      Math.min(most, Math.max(least, heading + padding, Math.max(0, ...cells) + padding)),
    )
  })
}
