import { type JobState, jobStates } from '#jobs/job.ts'
import type { JobCounts } from '#jobs/job-counts.ts'
import { StateIcon } from '../ui/state-badge.tsx'
import { count } from '../words/numbers.ts'
import { stateLabels } from '../words/states.ts'

const tones: Record<JobState, string> = {
  new: 'text-ink-3',
  running: 'text-accent',
  complete: 'text-good',
  error: 'text-bad',
  cancelled: 'text-ink-3',
}

interface StateTilesProps {
  /** Null until the feed has sent them. */
  counts: JobCounts | null
  chosen: JobState | null
  onChoose(state: JobState | undefined): void
}

/** The number of jobs in each state. Clicking a state filters by it; clicking again clears it. */
export function StateTiles({ counts, chosen, onChoose }: StateTilesProps) {
  return (
    <fieldset className="panel mt-4 grid grid-cols-2 overflow-hidden sm:grid-cols-5">
      <legend className="sr-only">Filter by state</legend>
      {jobStates.map((state) => (
        <button
          key={state}
          type="button"
          aria-pressed={chosen === state}
          onClick={() => onChoose(chosen === state ? undefined : state)}
          className="-mr-px -mb-px flex flex-col gap-0.5 border-r border-b border-line px-4 py-3 text-left hover:bg-hover focus-visible:-outline-offset-2 aria-pressed:bg-sunken aria-pressed:shadow-[inset_0_-2px_0_var(--accent-solid)] max-sm:last:col-span-2"
        >
          <span className="flex items-center gap-1.5 text-xs text-ink-2">
            <span className={tones[state]}>
              <StateIcon state={state} />
            </span>
            {stateLabels[state]}
          </span>
          <span data-count={state} className="text-xl font-semibold tabular-nums">
            {counts ? count(counts[state]) : '–'}
          </span>
        </button>
      ))}
    </fieldset>
  )
}
