'use client'

import { useState } from 'react'
import { Stack } from '#protocol/answers.ts'
import { callApi, sentenceFor } from '../../http/call-api.ts'

/** The stack trace of a failed search, for admins. Loaded when opened. */
export function StackDetails({ jobId }: { jobId: string }) {
  const [text, setText] = useState<string | null>(null)

  async function load(): Promise<void> {
    try {
      const { stack } = await callApi(`/admin/jobs/${encodeURIComponent(jobId)}/stack`, Stack)
      setText(
        stack ??
          'No stack trace: the search, or Searchlight itself, ended the job with this message.',
      )
    } catch (error) {
      setText(sentenceFor(error))
    }
  }

  return (
    <details
      className="mt-2 px-1 text-xs"
      onToggle={(event) => event.currentTarget.open && text === null && load()}
    >
      <summary className="cursor-pointer text-ink-2 select-none hover:text-ink">
        Stack trace (visible to admins only)
      </summary>
      <pre className="mt-2 max-h-72 overflow-auto rounded-lg bg-sunken p-3 font-mono text-2xs text-ink-2">
        {text ?? 'Loading…'}
      </pre>
    </details>
  )
}
