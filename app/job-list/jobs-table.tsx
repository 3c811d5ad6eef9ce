'use client'

import type { SearchType } from '#protocol/answers.ts'
import type { JobList } from '../live/merge-jobs.ts'
import { JobLine } from './job-line.tsx'

const heading = 'px-3 py-2 text-left text-xs font-medium text-ink-3 first:pl-4 last:pr-4'

/** A dense table of jobs; on a phone each row becomes a card. */
export function JobsTable({
  jobs,
  searches,
  label,
  owner,
}: {
  jobs: JobList
  searches: SearchType[]
  label: string
  /** Formats the user who started a job. Without it the table has no such column. */
  owner?: (userId: string) => string
}) {
  return (
    <div className="panel overflow-hidden">
      <table aria-label={label} className="w-full table-fixed border-collapse text-sm max-sm:block">
        <thead className="max-sm:sr-only">
          <tr className="border-b border-line">
            <th scope="col" className={`${heading} w-[118px]`}>
              State
            </th>
            <th scope="col" className={heading}>
              Search
            </th>
            {owner ? (
              <th scope="col" className={`${heading} w-[170px]`}>
                Started by
              </th>
            ) : null}
            <th scope="col" className={`${heading} w-[190px]`}>
              Progress
            </th>
            <th scope="col" className={`${heading} w-[84px] text-right`}>
              Rows
            </th>
            <th scope="col" className={`${heading} w-[120px] text-right`}>
              Started
            </th>
            <th scope="col" className={`${heading} w-[110px] text-right`}>
              Duration
            </th>
          </tr>
        </thead>
        <tbody className="max-sm:block">
          {jobs.map((job) => (
            <JobLine
              key={job.id}
              job={job}
              search={searches.find(({ name }) => name === job.search)}
              owner={owner?.(job.userId)}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}
