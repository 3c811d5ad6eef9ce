import type { FeedFilter } from '#jobs/feed-filter.ts'
import type { JobState } from '#jobs/job.ts'
import type { SearchType } from '#protocol/answers.ts'
import { Button } from '../ui/button.tsx'

const headlines: Record<JobState, string> = {
  new: 'No queued searches',
  running: 'No running searches',
  complete: 'No completed searches',
  error: 'No failed searches',
  cancelled: 'No cancelled searches',
}

interface EmptyFeedProps {
  filter: FeedFilter
  settled: boolean
  searches: SearchType[]
  onClear(): void
}

/** Shown while no job matches the filter; offers to clear it. */
export function EmptyFeed({ filter, settled, searches, onClear }: EmptyFeedProps) {
  const { state, search } = filter
  const filtering = state !== undefined || search !== undefined
  const type = searches.find(({ name }) => name === search)?.title ?? search
  if (!settled)
    return <div className="panel px-6 py-14 text-center text-sm text-ink-3">Loading…</div>
  return (
    <div className="panel px-6 py-14 text-center text-sm text-ink-2">
      <p className="font-medium text-ink">
        {state ? headlines[state] : search ? 'No searches of this type' : 'No searches yet'}
      </p>
      <p className="mt-1">
        {type ? `The list shows only “${type}”. ` : ''}
        {filtering ? 'Matching searches will appear here.' : 'New searches will appear here.'}
      </p>
      {filtering ? (
        <Button onClick={onClear} className="mt-4">
          Show all searches
          <kbd className="ml-1 rounded border border-line px-1 font-sans text-2xs text-ink-3 max-sm:hidden">
            Esc
          </kbd>
        </Button>
      ) : null}
    </div>
  )
}
