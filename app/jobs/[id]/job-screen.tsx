'use client'

import { useEffect, useState } from 'react'
import { isLive } from '#jobs/lifecycle.ts'
import type { SearchType } from '#protocol/answers.ts'
import type { JobView } from '#protocol/client/job-view.ts'
import { useJob } from '../../live/use-job.ts'
import { Notice } from '../../ui/notice.tsx'
import { JobActions } from './job-actions.tsx'
import { JobFacts } from './job-facts.tsx'
import { JobHeading } from './job-heading.tsx'
import { JobStatus } from './job-status.tsx'
import JobNotFound from './not-found.tsx'
import { ResultsPanel } from './results-panel.tsx'
import { tabTitle } from './tab-title.ts'
import { Timeline } from './timeline.tsx'

interface JobScreenProps {
  initial: JobView
  /** Null if the server no longer has this search type. */
  search: SearchType | null
  own: boolean
  admin: boolean
  alreadyRunning: boolean
}

export function JobScreen({ initial, ...rest }: JobScreenProps) {
  const watched = useJob(initial)
  if (watched === 'gone') return <JobNotFound />
  return <Screen view={watched} {...rest} />
}

function Screen({
  view,
  search,
  own,
  admin,
  alreadyRunning,
}: Omit<JobScreenProps, 'initial'> & { view: JobView }) {
  const { job } = view
  const [problem, setProblem] = useState<string | null>(null)
  const title = tabTitle(job, search ? [search] : [])
  useEffect(() => {
    document.title = title
  }, [title])
  useEffect(() => {
    // Show the notice once: a reload is not another attempt to start the search.
    if (alreadyRunning) window.history.replaceState(null, '', window.location.pathname)
  }, [alreadyRunning])

  return (
    <div className="mx-auto max-w-[1560px] px-4 pt-6 pb-16 sm:px-6">
      {alreadyRunning && isLive(job.state) ? (
        <div className="mb-5">
          <Notice kind="info">
            You can run one search of this type at a time, and this one is already running. To start
            another, wait for it to finish or cancel it.
          </Notice>
        </div>
      ) : null}
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-4">
        <JobHeading job={job} search={search} />
        <JobActions job={job} own={own} onProblem={setProblem} />
      </div>
      {problem ? (
        <div className="mt-4">
          <Notice kind="bad" urgent>
            {problem}
          </Notice>
        </div>
      ) : null}
      <JobStatus view={view} admin={admin} />
      <div className="mt-5 grid items-start gap-5 xl:grid-cols-[minmax(0,1fr)_232px]">
        <ResultsPanel view={view} search={search} />
        <aside className="flex flex-col gap-5 max-xl:sm:grid max-xl:sm:grid-cols-2">
          <Timeline entries={view.timeline} />
          <JobFacts job={job} search={search} />
        </aside>
      </div>
    </div>
  )
}
