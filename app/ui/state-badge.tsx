import { Ban, Check, CircleDashed, TriangleAlert } from 'lucide-react'
import type { JobState } from '#jobs/job.ts'
import { stateLabels } from '../words/states.ts'

const looks: Record<JobState, string> = {
  new: 'text-ink-2 bg-sunken',
  running: 'text-accent bg-accent-soft',
  complete: 'text-good bg-good-soft',
  error: 'text-bad bg-bad-soft',
  cancelled: 'text-ink-2 bg-sunken',
}

export function StateIcon({ state }: { state: JobState }) {
  const props = { size: 12, strokeWidth: 2.5, 'aria-hidden': true }
  switch (state) {
    case 'new':
      return <CircleDashed {...props} />
    case 'running':
      return (
        <span
          aria-hidden
          className="inline-block size-1.5 mx-[3px] align-middle rounded-full bg-current animate-breathe"
        />
      )
    case 'complete':
      return <Check {...props} />
    case 'error':
      return <TriangleAlert {...props} />
    case 'cancelled':
      return <Ban {...props} />
  }
}

export function StateBadge({ state }: { state: JobState }) {
  return (
    <span
      data-job-state={state}
      className={`inline-flex h-[22px] items-center gap-1 rounded-full pr-2.5 pl-2 text-xs font-medium whitespace-nowrap ${looks[state]}`}
    >
      <StateIcon state={state} />
      {stateLabels[state]}
    </span>
  )
}
