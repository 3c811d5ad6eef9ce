import { ArrowDown, ArrowUp } from 'lucide-react'
import type { Column } from '#jobs/define-search.ts'
import { Hint } from '../../ui/tooltip.tsx'

interface ColumnHeadingProps {
  column: Column
  sorted: false | 'asc' | 'desc'
  onSort(): void
}

/** Sorts on click; shows the column's help on hover and focus. */
export function ColumnHeading({ column, sorted, onSort }: ColumnHeadingProps) {
  const numeric = column.type === 'number'
  const Arrow = sorted === 'asc' ? ArrowUp : ArrowDown
  const button = (
    <button
      type="button"
      onClick={onSort}
      className={`group/sort relative max-w-full rounded py-1 align-middle leading-5 hover:text-ink ${sorted ? 'text-ink' : ''}`}
    >
      <span
        className={`block truncate ${column.help ? 'underline decoration-line-strong decoration-dotted underline-offset-4' : ''}`}
      >
        {column.label}
        {column.unit ? <span className="font-normal"> ({column.unit})</span> : null}
      </span>
      <Arrow
        size={11}
        aria-hidden
        className={`absolute top-1/2 -translate-y-1/2 ${numeric ? 'right-full mr-0.5' : 'left-full ml-0.5'} ${sorted ? '' : 'opacity-0 group-hover/sort:opacity-50 group-focus-visible/sort:opacity-50'}`}
      />
    </button>
  )
  return (
    <th
      scope="col"
      aria-sort={sorted === false ? 'none' : sorted === 'asc' ? 'ascending' : 'descending'}
      className={`sticky top-0 z-10 h-9 border-b border-line bg-surface px-3 text-xs font-medium text-ink-3 first:left-0 first:z-20 first:pl-4 last:pr-4 ${numeric ? 'text-right' : 'text-left'}`}
    >
      {column.help ? <Hint text={column.help}>{button}</Hint> : button}
    </th>
  )
}
