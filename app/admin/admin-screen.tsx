'use client'

import { useSearchParams } from 'next/navigation'
import { useCallback } from 'react'
import type { FeedFilter } from '#jobs/feed-filter.ts'
import type { SearchType } from '#protocol/answers.ts'
import { JobsTable } from '../job-list/jobs-table.tsx'
import type { Feed } from '../live/admin-feed.ts'
import { filterQuery, readFilter } from '../live/feed-filter.ts'
import { useAdminFeed } from '../live/use-admin-feed.ts'
import { EmptyFeed } from './empty-feed.tsx'
import type { People } from './people.ts'
import { StateTiles } from './state-tiles.tsx'
import { useEscape } from './use-escape.ts'
import { usePeople } from './use-people.ts'

interface AdminScreenProps {
  /** The server's answer for the filter in the URL. */
  initial: Feed
  searches: SearchType[]
  /** The signed-in admin. */
  userId: string
  people: People
}

/** All users' searches, live. The filter is part of the URL, so it can be bookmarked and shared. */
export function AdminScreen({ initial, searches, userId, people }: AdminScreenProps) {
  const filter = readFilter(useSearchParams())
  const { jobs, counts, settled } = useAdminFeed(filter, initial)
  const emails = usePeople(people, jobs)
  const clear = useCallback(() => choose({}), [])
  const filtering = filter.state !== undefined || filter.search !== undefined
  useEscape(filtering, clear)

  return (
    <div className="mx-auto max-w-[1280px] px-4 pt-6 pb-16 sm:px-6 sm:pt-8">
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-2">
        <h1 className="text-xl font-semibold">All searches</h1>
        <label className="flex items-center gap-2 text-sm text-ink-2">
          Type
          <select
            value={filter.search ?? ''}
            onChange={({ target }) => choose({ ...filter, search: target.value || undefined })}
            className="field w-auto! pr-8 text-sm"
          >
            <option value="">All types</option>
            {filter.search && !searches.some(({ name }) => name === filter.search) ? (
              <option value={filter.search}>{filter.search}</option>
            ) : null}
            {searches.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </div>
      <StateTiles
        counts={counts}
        chosen={filter.state ?? null}
        onChoose={(state) => choose({ ...filter, state })}
      />
      <div className="mt-5" aria-busy={!settled}>
        {jobs.length > 0 ? (
          <JobsTable
            jobs={jobs}
            searches={searches}
            label="All users’ searches, newest first"
            owner={(id) => (id === userId ? 'You' : (emails[id] ?? id.slice(0, 8)))}
          />
        ) : (
          <EmptyFeed filter={filter} settled={settled} searches={searches} onClear={clear} />
        )}
      </div>
    </div>
  )
}

function choose(filter: FeedFilter): void {
  window.history.replaceState(null, '', `/admin${filterQuery(filter)}`)
}
