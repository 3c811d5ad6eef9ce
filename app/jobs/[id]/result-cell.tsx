import { memo } from 'react'
import type { Cell, Column } from '#jobs/define-search.ts'
import { cellLink, cellText } from './cell-text.ts'

const look =
  'h-[34px] truncate border-b border-line px-3 first:sticky first:left-0 first:z-[1] bg-surface first:pl-4 last:pr-4 group-hover:bg-hover'

export const ResultCell = memo(function ResultCell({
  column,
  value,
}: {
  column: Column
  value: Cell
}) {
  const text = cellText(column, value)
  const link = cellLink(column, value)
  const tone =
    value === null || value === '' ? 'text-ink-3' : column.type === 'date' ? 'text-ink-2' : ''
  return (
    <td
      title={text.length > 24 ? text : undefined}
      className={`${look} ${column.type === 'number' ? 'text-right tabular-nums' : ''} ${tone}`}
    >
      {link ? (
        <a
          href={link}
          target="_blank"
          rel="noopener noreferrer nofollow"
          className={`rounded-sm hover:underline focus-visible:outline-offset-0 ${column.type === 'domain' ? 'font-medium' : 'text-accent'}`}
        >
          {text}
        </a>
      ) : (
        text
      )}
    </td>
  )
})
