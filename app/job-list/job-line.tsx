'use client'

import Link from 'next/link'
import { memo } from 'react'
import type { JobSummary } from '#jobs/job.ts'
import type { SearchType } from '#protocol/answers.ts'
import { Elapsed } from '../ui/elapsed.tsx'
import { LocalTime } from '../ui/local-time.tsx'
import { ProgressBar } from '../ui/progress-bar.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { inputPhrase } from '../words/input-phrase.ts'
import { count, plural } from '../words/numbers.ts'
import { progressPhrase } from '../words/states.ts'
import { WaitingNote } from './waiting-note.tsx'

const cell = 'px-3 py-2 align-middle first:pl-4 last:pr-4 max-sm:p-0'

interface JobLineProps {
  job: JobSummary
  search: SearchType | undefined
  owner: string | undefined
}

export const JobLine = memo(function JobLine({ job, search, owner }: JobLineProps) {
  const { subject, details } = inputPhrase(job.input, search)
  return (
    <tr
      data-job={job.id}
      className="relative border-b border-line transition-colors last:border-b-0 hover:bg-hover max-sm:grid max-sm:grid-cols-[1fr_auto] max-sm:gap-x-3 max-sm:gap-y-1.5 max-sm:px-4 max-sm:py-3"
    >
      <td className={`${cell} max-sm:col-start-2 max-sm:row-start-1`}>
        <StateBadge state={job.state} />
      </td>
      <td className={`${cell} max-sm:col-start-1 max-sm:row-start-1 max-sm:min-w-0`}>
        <Link
          href={`/jobs/${job.id}`}
          prefetch={false}
          className="block truncate font-medium outline-offset-4 after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent-solid"
        >
          {subject}
        </Link>
        <span className="block truncate text-xs text-ink-3">
          {[search?.title ?? job.search, ...details].join(' · ')}
        </span>
      </td>
      {owner === undefined ? null : (
        <td className={`${cell} truncate text-ink-2 max-sm:col-span-2 max-sm:text-xs`}>
          <span className="sm:hidden">Started by </span>
          {owner}
        </td>
      )}
      <td className={`${cell} max-sm:col-span-2`}>
        <ProgressCell job={job} />
      </td>
      <td
        className={`${cell} text-right tabular-nums max-sm:text-left max-sm:text-xs max-sm:text-ink-2`}
      >
        <span className="max-sm:hidden">{count(job.rowCount)}</span>
        <span className="sm:hidden">{plural(job.rowCount, 'row')}</span>
      </td>
      <td className={`${cell} text-right text-ink-2 tabular-nums max-sm:text-xs`}>
        <LocalTime at={job.startedAt ?? job.createdAt} />
      </td>
      <td className={`${cell} text-right text-ink-2 tabular-nums max-sm:hidden`}>
        <Elapsed job={job} />
      </td>
    </tr>
  )
})

/** The progress while the job runs; afterwards its final message or progress. */
function ProgressCell({ job }: { job: JobSummary }) {
  if (job.state === 'running')
    return (
      <div className="max-w-48 max-sm:max-w-none">
        <div className="mb-1 truncate text-xs text-ink-2 tabular-nums" title={job.progress?.phase}>
          {job.progress ? progressPhrase(job.progress) : 'Starting'}
        </div>
        <ProgressBar progress={job.progress} />
      </div>
    )
  if (job.state === 'new') return <WaitingNote job={job} />
  const text = job.message ?? (job.progress ? progressPhrase(job.progress) : '')
  return (
    <span
      className={`block truncate text-xs text-ink-3 ${job.message ? '' : 'max-sm:hidden'}`}
      title={text}
    >
      {text}
    </span>
  )
}
