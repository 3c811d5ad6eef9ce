'use client'

import { useEffect, useMemo, useState } from 'react'
import type { JobState } from '#jobs/job.ts'
import { JobsPage, type SearchType } from '../http/answers.ts'
import { callApi } from '../http/call-api.ts'
import { JobsTable } from '../job-list/jobs-table.tsx'
import { type JobList, mergeJobs } from '../live/job-list.ts'
import { useAdminFeed } from '../live/use-admin-feed.ts'
import type { People } from './people.ts'
import { StateTiles } from './state-tiles.tsx'
import { usePeople } from './use-people.ts'

const most = 200

interface AdminScreenProps {
  initial: JobList
  searches: SearchType[]
  /** Of the admin who is looking. */
  userId: string
  people: People
}

/** Everybody's searches as they happen. */
export function AdminScreen({ initial, searches, userId, people }: AdminScreenProps) {
  const feed = useAdminFeed({ jobs: initial, counts: null })
  const [state, setState] = useState<JobState | null>(null)
  const [search, setSearch] = useState('')
  const older = useOlder(state, search)
  const shown = useMemo(
    () =>
      mergeJobs(older, feed.jobs)
        .filter((job) => (state === null || job.state === state) && (search === '' || job.search === search))
        .slice(0, most),
    [feed.jobs, older, state, search],
  )

  const emails = usePeople(people, shown)

  return (
    <div className="mx-auto max-w-[1280px] px-4 pt-6 pb-16 sm:px-6 sm:pt-8">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold">All searches</h1>
        <label className="flex items-center gap-2 text-sm text-ink-2">
          Type
          <select value={search} onChange={(event) => setSearch(event.target.value)} className="field w-auto! pr-8 text-sm">
            <option value="">All searches</option>
            {searches.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </div>
      <StateTiles counts={feed.counts} chosen={state} onChoose={setState} />
      <div className="mt-5">
        {shown.length > 0 ? (
          <JobsTable
            jobs={shown}
            searches={searches}
            label="Searches of everybody, newest first"
            owner={(id) => (id === userId ? 'You' : (emails[id] ?? id.slice(0, 8)))}
          />
        ) : (
          <div className="panel px-6 py-14 text-center text-sm text-ink-2">
            {state === null && search === ''
              ? 'Nobody has searched yet. Searches appear here the moment somebody starts one.'
              : 'No search fits this filter right now.'}
          </div>
        )}
      </div>
    </div>
  )
}

/** With a filter, those that fit and are older than the feed goes back. Asked once per filter; the feed keeps it fresh. */
function useOlder(state: JobState | null, search: string): JobList {
  const [older, setOlder] = useState<JobList>([])
  useEffect(() => {
    setOlder([])
    if (state === null && search === '') return
    const leaving = new AbortController()
    const query = new URLSearchParams({
      user: 'all',
      limit: String(most),
      ...(state ? { state } : {}),
      ...(search ? { search } : {}),
    })
    callApi(`/jobs?${query}`, JobsPage, { signal: leaving.signal }).then(
      ({ jobs }) => setOlder(jobs),
      // The feed still shows the newest; another choice asks again.
      (error) => leaving.signal.aborted || console.error(error),
    )
    return () => leaving.abort()
  }, [state, search])
  return older
}
