import type { Cell, Column } from '#jobs/define-search.ts'
import { decimal } from '../../words/numbers.ts'

/** A cell as displayed. URLs lose their scheme, “www.” and final slash; dates lose the time. */
export function cellText(column: Column, value: Cell): string {
  if (value === null || value === '') return '–'
  if (typeof value === 'boolean') return value ? 'Yes' : 'No'
  if (typeof value === 'number') return decimal(value)
  if (column.type === 'date') return value.slice(0, 10)
  if (column.type === 'url') return value.replace(/^https?:\/\/(www\.)?/, '').replace(/\/$/, '')
  return value
}

/** The URL that a cell links to; null if the column has no links or the URL is not http(s). */
export function cellLink(column: Column, value: Cell): string | null {
  if (typeof value !== 'string' || value === '') return null
  const address =
    column.type === 'domain' ? `https://${value}` : column.type === 'url' ? value : null
  return address !== null && /^https?:\/\//.test(address) && URL.canParse(address) ? address : null
}
