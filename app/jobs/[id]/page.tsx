import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { cache } from 'react'
import { RowsPage } from '#jobs/rows-page.ts'
import { OneJob, Timeline } from '#protocol/answers.ts'
import { putRows, putTimeline, viewOf } from '#protocol/client/job-view.ts'
import { callForVisitor, orNull, readSearchTypes, requireAccount } from '../../http/for-visitor.ts'
import { JobScreen } from './job-screen.tsx'
import { tabTitle } from './tab-title.ts'

interface JobPageProps {
  params: Promise<{ id: string }>
  searchParams: Promise<{ notice?: string | string[] }>
}

/** Enough to fill any screen. The browser fetches the rest. */
const firstRows = 100

const readJob = cache(async (id: string) => {
  const answer = await orNull(callForVisitor(`/jobs/${encodeURIComponent(id)}`, OneJob))
  return answer?.job ?? null
})

export async function generateMetadata({ params }: JobPageProps): Promise<Metadata> {
  const { id } = await params
  await requireAccount(`/jobs/${id}`)
  const [job, searches] = await Promise.all([readJob(id), readSearchTypes()])
  return { title: { absolute: job ? tabTitle(job, searches) : 'Not found – Searchlight' } }
}

export default async function JobPage({ params, searchParams }: JobPageProps) {
  const { id } = await params
  const user = await requireAccount(`/jobs/${id}`)
  const [job, searches] = await Promise.all([readJob(id), readSearchTypes()])
  if (!job) notFound()
  // Read after the job, so that they are at least as recent.
  const path = `/jobs/${encodeURIComponent(id)}`
  const [rows, timeline] = await Promise.all([
    orNull(callForVisitor(`${path}/rows?from=0&limit=${firstRows}`, RowsPage)),
    orNull(callForVisitor(`${path}/timeline`, Timeline)),
  ])
  const view = putTimeline(rows ? putRows(viewOf(job), rows) : viewOf(job), timeline?.events ?? [])
  const { notice } = await searchParams
  return (
    <JobScreen
      key={id}
      initial={view}
      search={searches.find(({ name }) => name === job.search) ?? null}
      own={job.userId === user.id}
      admin={user.role === 'admin'}
      alreadyRunning={notice === 'already-running'}
    />
  )
}
