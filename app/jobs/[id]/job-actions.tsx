'use client'

import { ChevronDown, Download, RotateCw, Square } from 'lucide-react'
import { useRouter } from 'next/navigation'
import { DropdownMenu } from 'radix-ui'
import { useState } from 'react'
import type { Job } from '#jobs/job.ts'
import { canCancel, canDelete } from '#jobs/lifecycle.ts'
import { OneJob } from '#protocol/answers.ts'
import { CallFailed } from '#protocol/client/call-api.ts'
import { callApi, sentenceFor } from '../../http/call-api.ts'
import { deleteJob, takeJob } from '../../live/watched-jobs.ts'
import { alreadyRunningPath } from '../../search/already-running.ts'
import { Button } from '../../ui/button.tsx'
import { MenuContent, menuItemLook } from '../../ui/menu.tsx'
import { DeleteDialog } from './delete-dialog.tsx'

interface JobActionsProps {
  job: Job
  own: boolean
  /** Gets the error text to show, or null when a new action starts. */
  onProblem(text: string | null): void
}

export function JobActions({ job, own, onProblem }: JobActionsProps) {
  const router = useRouter()
  const [busy, setBusy] = useState<'cancel' | 'rerun' | 'delete' | null>(null)
  const path = `/jobs/${job.id}`

  async function attempt(action: NonNullable<typeof busy>, perform: () => Promise<void>) {
    if (busy) return
    setBusy(action)
    onProblem(null)
    try {
      await perform()
    } catch (error) {
      if (error instanceof CallFailed && error.code === 'already_running' && error.jobId) {
        router.push(alreadyRunningPath(error.jobId))
      } else onProblem(sentenceFor(error))
    } finally {
      setBusy(null)
    }
  }

  const cancel = () =>
    attempt('cancel', async () =>
      takeJob((await callApi(`${path}/cancel`, OneJob, { method: 'POST' })).job),
    )
  const rerun = () =>
    attempt('rerun', async () => {
      const { job: again } = await callApi(`${path}/rerun`, OneJob, { method: 'POST' })
      router.push(`/jobs/${again.id}`)
    })
  const remove = () =>
    attempt('delete', async () => {
      await deleteJob(job.id)
      router.push('/')
    })

  return (
    <div className="flex flex-wrap items-center gap-2">
      {canCancel(job) ? (
        <Button onClick={cancel} disabled={busy !== null}>
          <Square size={12} fill="currentColor" aria-hidden />
          {busy === 'cancel' ? 'Cancelling…' : 'Cancel'}
        </Button>
      ) : null}
      {canDelete(job) ? (
        <>
          <DeleteDialog job={job} own={own} busy={busy === 'delete'} onConfirm={remove} />
          <Button onClick={rerun} disabled={busy !== null}>
            <RotateCw size={14} aria-hidden />
            {busy === 'rerun' ? 'Starting…' : 'Run again'}
          </Button>
        </>
      ) : null}
      <DownloadMenu job={job} />
    </div>
  )
}

function DownloadMenu({ job }: { job: Job }) {
  const file = `/api/jobs/${job.id}/rows`
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild disabled={job.rowCount === 0}>
        <Button>
          <Download size={14} aria-hidden />
          Download
          <ChevronDown size={13} aria-hidden className="text-ink-3" />
        </Button>
      </DropdownMenu.Trigger>
      <MenuContent>
        <DropdownMenu.Item asChild className={menuItemLook}>
          <a href={`${file}.csv`} download>
            CSV <span className="ml-auto pl-6 text-xs text-ink-3">for spreadsheets</span>
          </a>
        </DropdownMenu.Item>
        <DropdownMenu.Item asChild className={menuItemLook}>
          <a href={`${file}.ndjson`} download>
            NDJSON <span className="ml-auto pl-6 text-xs text-ink-3">for programs</span>
          </a>
        </DropdownMenu.Item>
      </MenuContent>
    </DropdownMenu.Root>
  )
}
