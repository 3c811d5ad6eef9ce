'use client'

import type { Job } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import type { JobView } from '#protocol/client/job-view.ts'
import { waitingPhrase } from '#protocol/client/waiting-phrase.ts'
import { Elapsed } from '../../ui/elapsed.tsx'
import { Notice } from '../../ui/notice.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { count, plural } from '../../words/numbers.ts'
import { progressPhrase, stateLabels } from '../../words/states.ts'
import { StackDetails } from './stack-details.tsx'

/** The state of the job, its progress, row count and duration, and why it failed. */
export function JobStatus({ view, admin }: { view: JobView; admin: boolean }) {
  const { job, timeline } = view
  const note = timeline.findLast(
    (entry) => entry.type === 'note' && entry.data.attempt === job.attempt,
  )
  return (
    <section aria-label="Status" className="panel mt-5">
      <div className="flex flex-wrap items-center gap-x-5 gap-y-2 px-4 py-3 text-sm">
        <StateBadge state={job.state} />
        <span className="text-ink-2 tabular-nums">{statusPhrase(view)}</span>
        <span className="ml-auto flex items-center gap-5 max-sm:w-full max-sm:justify-between text-ink-2 tabular-nums">
          {job.attempt > 1 ? <span>Attempt {job.attempt}</span> : null}
          <span>
            <span className="font-medium text-ink">{count(job.rowCount)}</span>{' '}
            {job.rowCount === 1 ? 'row' : 'rows'}
          </span>
          <span className="min-w-14 text-right font-medium text-ink">
            <Elapsed job={job} />
          </span>
        </span>
      </div>
      {job.state === 'running' ? (
        <div className="px-4 pb-4">
          <ProgressBar progress={job.progress} className="h-1.5" />
          {note?.type === 'note' ? (
            <p className="mt-2.5 text-xs text-ink-3">{note.data.text}</p>
          ) : null}
        </div>
      ) : null}
      {job.state === 'error' ? (
        <div className="px-3 pb-3">
          <Notice kind="bad">{job.message}</Notice>
          {admin ? <StackDetails jobId={job.id} /> : null}
        </div>
      ) : null}
      <p aria-live="polite" className="sr-only">
        {announcement(job)}
      </p>
    </section>
  )
}

function statusPhrase({ job, waiting }: JobView): string {
  const { state, progress, attempt, message } = job
  if (state === 'new') return waiting ? waitingPhrase(waiting) : 'Waiting for a worker'
  if (state === 'running')
    return progress
      ? `${progress.phase} · ${progressPhrase(progress)}`
      : `Starting${attempt > 1 ? ' again' : ''}`
  return state === 'error' ? '' : (message ?? '')
}

/** For screen readers. Changes with the state, not with every row. */
function announcement(job: Job): string {
  const ending = isLive(job.state) ? '' : ` ${plural(job.rowCount, 'row')}.`
  return `${stateLabels[job.state]}.${ending}${job.message ? ` ${job.message}` : ''}`
}
