'use client'

import type { JobSummary } from '#jobs/job.ts'
import { JobInput } from '#jobs/job.ts'
import { viewOf } from '#protocol/client/job-view.ts'
import { shortWaitingPhrase } from '#protocol/client/waiting-phrase.ts'
import { useJob } from '../live/use-job.ts'

/** What a waiting job of a list waits for. Watches the job, since lists don't say it. */
export function WaitingNote({ job }: { job: JobSummary }) {
  const view = useJob(viewOf({ ...job, input: JobInput.parse(job.input) }))
  const waiting = view === 'gone' ? null : view.waiting
  return (
    <span className="text-xs text-ink-3">
      {waiting ? shortWaitingPhrase(waiting) : 'Waiting for a worker'}
    </span>
  )
}
