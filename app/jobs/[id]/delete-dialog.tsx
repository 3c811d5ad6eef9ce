'use client'

import { Trash2 } from 'lucide-react'
import { AlertDialog } from 'radix-ui'
import type { Job } from '#jobs/job.ts'
import { Button } from '../../ui/button.tsx'
import { plural } from '../../words/numbers.ts'

interface DeleteDialogProps {
  job: Job
  own: boolean
  busy: boolean
  onConfirm(): void
}

export function DeleteDialog({ job, own, busy, onConfirm }: DeleteDialogProps) {
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger asChild>
        <Button kind="quiet" disabled={busy}>
          <Trash2 size={14} aria-hidden />
          {busy ? 'Deleting…' : 'Delete'}
        </Button>
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fixed inset-0 z-40 bg-[rgb(0_0_0/0.4)]" />
        <AlertDialog.Content className="fixed top-1/2 left-1/2 z-50 w-[calc(100vw-2rem)] max-w-sm -translate-1/2 rounded-xl bg-raised p-5 shadow-pop">
          <AlertDialog.Title className="text-lg font-semibold">
            {own ? 'Delete this search?' : 'Delete another user’s search?'}
          </AlertDialog.Title>
          <AlertDialog.Description className="mt-1.5 text-sm text-pretty text-ink-2">
            {job.rowCount > 0
              ? `This permanently deletes the search and its ${plural(job.rowCount, 'row')}. To keep the rows, download them first.`
              : 'This permanently deletes the search and its timeline.'}
          </AlertDialog.Description>
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>Keep it</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button kind="danger" onClick={onConfirm}>
                Delete
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
