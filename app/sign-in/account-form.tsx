'use client'

import { type FormEvent, type ReactNode, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'

/** A form that opens another page on success and shows the error on failure. */
export function AccountForm({
  next,
  label,
  busyLabel,
  submit,
  children,
}: {
  next: string
  label: string
  /** The label of the button while the form is being sent. */
  busyLabel: string
  /** @returns the error text, or null on success */
  submit(filledIn: FormData): Promise<string | null>
  children: ReactNode
}) {
  const [problem, setProblem] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    setProblem(null)
    const failure = await submit(new FormData(event.currentTarget))
    if (failure === null) {
      // A full page load, so that the whole page is rendered for the new session.
      window.location.assign(next)
      return
    }
    setBusy(false)
    setProblem(failure)
    form.current?.querySelector<HTMLInputElement>('input[type=password]')?.select()
  }

  return (
    // POST, in case it is sent before hydration: a password must never end up in a URL.
    <form ref={form} onSubmit={send} method="post" className="flex flex-col gap-4">
      {children}
      {problem ? (
        <Notice kind="bad" urgent>
          {problem}
        </Notice>
      ) : null}
      <Button type="submit" kind="solid" disabled={busy} className="w-full">
        {busy ? busyLabel : label}
      </Button>
    </form>
  )
}

export function AccountField({
  label,
  help,
  ...props
}: {
  label: string
  help?: string
  name: string
  type: string
  autoComplete: string
  autoFocus?: boolean
  minLength?: number
}) {
  return (
    <label className="block">
      <span className="mb-1 block text-sm font-medium">{label}</span>
      <input {...props} id={props.name} required className="field h-9" />
      {help ? <span className="mt-1 block text-xs text-ink-3">{help}</span> : null}
    </label>
  )
}
