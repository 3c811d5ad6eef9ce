'use client'

import { Search, X } from 'lucide-react'
import { useDeferredValue, useMemo, useState } from 'react'
import type { Column, Row } from '#jobs/define-search.ts'
import type { Job } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import type { SearchType } from '#protocol/answers.ts'
import type { JobView } from '#protocol/client/job-view.ts'
import { count } from '../../words/numbers.ts'
import { ResultsTable } from './results-table.tsx'
import type { RowSort } from './row-order.ts'
import { useRowOrder } from './use-row-order.ts'

/** The table of rows with its filter, or the reason why it is empty. */
export function ResultsPanel({ view, search }: { view: JobView; search: SearchType | null }) {
  const [filter, setFilter] = useState('')
  const [sort, setSort] = useState<RowSort | null>(null)
  // Ordering many rows is slow; deferred values keep typing responsive.
  const rows = useDeferredValue(view.rows)
  const query = useDeferredValue(filter.trim().toLowerCase())
  const order = useRowOrder(rows, query, useDeferredValue(sort))
  const firstRow = rows[order.indexes[0] ?? 0]
  const columns = search?.columns
  const shownColumns = useMemo(() => columns ?? inferredColumns(firstRow), [columns, firstRow])
  const shown = order.indexes.length
  const filtering = query !== ''

  return (
    <section aria-labelledby="results-title" className="panel min-w-0 overflow-hidden">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-2.5">
        <h2 id="results-title" className="text-sm font-semibold">
          Results
        </h2>
        <p className="text-xs text-ink-3 tabular-nums">{countPhrase(view, shown, filtering)}</p>
        {search && sort === null && view.job.rowCount > 0 ? <OrderPhrase search={search} /> : null}
        {view.job.rowCount > 0 ? <FilterBox value={filter} onChange={setFilter} /> : null}
      </div>
      {shown > 0 ? (
        <ResultsTable
          order={order}
          columns={shownColumns}
          onSort={(column) => setSort(nextSort(sort, column))}
          freshFrom={filtering ? null : view.freshFrom}
        />
      ) : (
        <EmptyResults view={view} filtering={filtering} onClear={() => setFilter('')} />
      )}
    </section>
  )
}

/** The order in which rows arrive, for types that name one. */
function OrderPhrase({ search: { order = [], columns } }: { search: SearchType }) {
  const labels = order.flatMap(({ key, descending }) => {
    const column = columns.find((each) => each.key === key)
    return descending && column ? [column.label.toLowerCase()] : []
  })
  return labels.length > 0 ? (
    <p className="text-xs text-ink-3">Top first, by {labels.join(', ')}</p>
  ) : null
}

/** Repeated clicks sort a column, reverse it, then restore the order of arrival. */
function nextSort(sort: RowSort | null, { key, type }: Column): RowSort | null {
  // Readers want the highest number and the latest date first, but words from A.
  const descendingFirst = type === 'number' || type === 'date' || type === 'boolean'
  if (sort?.key !== key) return { key, descending: descendingFirst }
  return sort.descending === descendingFirst ? { key, descending: !descendingFirst } : null
}

function FilterBox({ value, onChange }: { value: string; onChange(value: string): void }) {
  return (
    <div className="relative ml-auto w-56 max-sm:w-full">
      <Search
        size={14}
        aria-hidden
        className="absolute top-1/2 left-2.5 -translate-y-1/2 text-ink-3"
      />
      <input
        type="search"
        aria-label="Filter results"
        placeholder="Filter results"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && onChange('')}
        className="field min-h-[30px]! py-1 pr-8 pl-8 text-sm [&::-webkit-search-cancel-button]:hidden"
      />
      {value === '' ? null : (
        <button
          type="button"
          aria-label="Clear filter"
          onClick={() => onChange('')}
          className="absolute top-1/2 right-1 grid size-6 -translate-y-1/2 place-items-center rounded text-ink-3 hover:text-ink"
        >
          <X size={14} aria-hidden />
        </button>
      )}
    </div>
  )
}

function EmptyResults({
  view,
  filtering,
  onClear,
}: {
  view: JobView
  filtering: boolean
  onClear(): void
}) {
  const { job, timeline } = view
  // A search that finds nothing explains why in its last note.
  const note =
    job.state === 'complete' && !filtering
      ? timeline.findLast((entry) => entry.type === 'note')
      : undefined
  return (
    <div className="grid min-h-56 place-items-center px-6 py-12 text-center text-sm text-ink-2">
      <div className="max-w-lg">
        <p className={note ? 'font-medium text-ink' : ''}>
          {filtering ? 'No rows contain this text.' : emptySentence(job)}
        </p>
        {note?.type === 'note' ? <p className="mt-1.5 text-pretty">{note.data.text}</p> : null}
        {filtering ? (
          <button
            type="button"
            onClick={onClear}
            className="mt-2 rounded-sm text-accent hover:underline"
          >
            Clear filter
          </button>
        ) : null}
      </div>
    </div>
  )
}

function emptySentence({ state, rowCount }: Job): string {
  if (rowCount > 0) return 'Loading rows…'
  switch (state) {
    case 'new':
      return 'Rows appear here once a worker starts the search.'
    case 'running':
      return 'No rows yet. They appear here as they are found.'
    case 'complete':
      return 'The search found nothing'
    case 'error':
      return 'The search failed before it found anything.'
    case 'cancelled':
      return 'The search was cancelled before it found anything.'
  }
}

function countPhrase({ job }: JobView, shown: number, filtering: boolean): string {
  if (filtering) return `${count(shown)} of ${count(job.rowCount)}`
  if (job.rowCount === 0) return ''
  if (isLive(job.state)) return `${count(job.rowCount)} so far`
  return shown < job.rowCount
    ? `${count(shown)} of ${count(job.rowCount)} loaded`
    : count(job.rowCount)
}

/** Columns named by the keys of a row, for a search type that the server no longer has. */
function inferredColumns(row: Row | undefined): Column[] {
  return Object.entries(row ?? {}).map(([key, cell]) => ({
    key,
    label: key,
    type: typeof cell === 'number' ? 'number' : 'text',
  }))
}
