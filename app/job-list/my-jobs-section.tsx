'use client'

import { useState } from 'react'
import { JobsPage, type SearchType } from '#protocol/answers.ts'
import { callApi, sentenceFor } from '../http/call-api.ts'
import type { JobList } from '../live/merge-jobs.ts'
import { addToOwnJobs } from '../live/own-jobs.ts'
import { useOwnJobs } from '../live/use-own-jobs.ts'
import { Button } from '../ui/button.tsx'
import { JobsTable } from './jobs-table.tsx'

/** The user's own jobs, newest first, live. Older ones are loaded a page at a time. */
export function MyJobsSection({
  initial,
  nextCursor,
  searches,
}: {
  initial: JobList
  nextCursor: string | null
  searches: SearchType[]
}) {
  const jobs = useOwnJobs(initial)
  const [cursor, setCursor] = useState(nextCursor)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)

  async function loadMore() {
    if (busy || cursor === null) return
    setBusy(true)
    setProblem(null)
    try {
      const page = await callApi(`/jobs?limit=50&cursor=${encodeURIComponent(cursor)}`, JobsPage)
      addToOwnJobs(page.jobs)
      setCursor(page.nextCursor ?? null)
    } catch (error) {
      setProblem(sentenceFor(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <section aria-labelledby="my-jobs-title" className="mt-14">
      <h2 id="my-jobs-title" className="mb-3 text-lg font-semibold">
        Your searches
      </h2>
      {jobs.length === 0 ? (
        <div className="panel px-6 py-12 text-center">
          <p className="font-medium">No searches yet</p>
          <p className="mx-auto mt-1 max-w-sm text-sm text-ink-2">
            Start one above. It runs in the background, shows results as it finds them, and stays in
            this list.
          </p>
        </div>
      ) : (
        <JobsTable jobs={jobs} searches={searches} label="Your searches" />
      )}
      {cursor === null ? null : (
        <div className="mt-4 flex flex-col items-center gap-2">
          <Button onClick={loadMore} disabled={busy}>
            {busy ? 'Loading…' : 'Load older searches'}
          </Button>
          {problem ? (
            <p role="alert" className="text-sm text-bad">
              {problem}
            </p>
          ) : null}
        </div>
      )}
    </section>
  )
}
