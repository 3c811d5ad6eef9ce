import type { FeedFilter } from '#jobs/feed-filter.ts'
import type { JobState } from '#jobs/job.ts'
import type { SearchType } from '#protocol/answers.ts'
import { Button } from '../ui/button.tsx'

const sentences: Record<JobState, string> = {
  new: 'No search waits for a worker.',
  running: 'No search is running right now.',
  complete: 'No search is complete yet.',
  error: 'No search has failed.',
  cancelled: 'No search was cancelled.',
}

interface EmptyFeedProps {
  filter: FeedFilter
  settled: boolean
  searches: SearchType[]
  onClear(): void
}

/** What there is to say while nothing fits, and the way back. */
export function EmptyFeed({ filter, settled, searches, onClear }: EmptyFeedProps) {
  const { state, search } = filter
  const filtering = state !== undefined || search !== undefined
  const type = searches.find(({ name }) => name === search)?.title ?? search
  if (!settled)
    return <div className="panel px-6 py-14 text-center text-sm text-ink-3">Looking…</div>
  return (
    <div className="panel px-6 py-14 text-center text-sm text-ink-2">
      <p className="font-medium text-ink">
        {state
          ? sentences[state]
          : search
            ? 'Nobody has searched for that.'
            : 'Nobody has searched yet.'}
      </p>
      <p className="mt-1">
        {type ? `Only searches of the type “${type}” are shown. ` : ''}
        {filtering
          ? 'One that fits will appear here.'
          : 'Searches will appear here as they are started.'}
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
