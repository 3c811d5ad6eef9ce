'use client'

import { type FormEvent, type ReactNode, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'

/** A form that ends on another page, or says why not. */
export function AccountForm({
  next,
  label,
  submit,
  children,
}: {
  next: string
  label: string
  /** Answers why it did not work, or null when it did. */
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
      // A whole new page, so that everything on it knows who is looking.
      window.location.assign(next)
      return
    }
    setBusy(false)
    setProblem(failure)
    form.current?.querySelector<HTMLInputElement>('input[type=password]')?.select()
  }

  return (
    // Posts when it is sent before the page has come to life: a password never belongs in an
    // address.
    <form ref={form} onSubmit={send} method="post" className="flex flex-col gap-4">
      {children}
      {problem ? (
        <Notice kind="bad" urgent>
          {problem}
        </Notice>
      ) : null}
      <Button type="submit" kind="solid" disabled={busy} className="w-full">
        {busy ? 'One moment…' : label}
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
