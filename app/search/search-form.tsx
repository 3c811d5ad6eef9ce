'use client'

import { useRouter } from 'next/navigation'
import { type FormEvent, useMemo, useRef, useState } from 'react'
import { v4 as uuid } from 'uuid'
import { OneJob, type SearchType } from '#protocol/answers.ts'
import { CallFailed } from '#protocol/client/call-api.ts'
import type { FieldIssue } from '#protocol/errors.ts'
import { callApi, sentenceFor } from '../http/call-api.ts'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { alreadyRunningPath } from './already-running.ts'
import { FieldControl } from './field-control.tsx'
import { type Field, formFields, inputOf, visibleFields } from './form-fields.ts'

/** A search's form, generated from its input schema: the subject on top, the options below. */
export function SearchForm({ search }: { search: SearchType }) {
  const router = useRouter()
  const all = useMemo(() => formFields(search.input), [search])
  const [chosen, setChosen] = useState<Record<string, string>>({})
  const fields = visibleFields(all, chosen)
  const [issues, setIssues] = useState<FieldIssue[]>([])
  const [problem, setProblem] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  // The idempotency key of this body: a resend after a lost answer starts no second job.
  const attempt = useRef<{ key: string; body: string } | null>(null)

  async function start(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    if (busy) return
    const body = { search: search.name, input: inputOf(fields, new FormData(event.currentTarget)) }
    const text = JSON.stringify(body)
    if (attempt.current?.body !== text) attempt.current = { key: uuid(), body: text }
    setBusy(true)
    setIssues([])
    setProblem(null)
    try {
      const headers = { 'idempotency-key': attempt.current.key }
      const { job } = await callApi('/jobs', OneJob, { method: 'POST', body, headers })
      router.push(`/jobs/${job.id}`)
    } catch (error) {
      if (error instanceof CallFailed) {
        // After an outage the search may have been started: a resend with the same key finds it.
        if (error.status < 500) attempt.current = null
        if (error.code === 'already_running' && error.jobId)
          return router.push(alreadyRunningPath(error.jobId))
      }
      setBusy(false)
      show(error)
    }
  }

  function show(error: unknown) {
    const named = error instanceof CallFailed ? error.issues.map(withoutPrefix) : []
    const atFields = named.filter(({ path }) => fields.some((field) => field.name === path))
    setIssues(atFields)
    if (atFields.length === 0 || atFields.length < named.length) setProblem(sentenceFor(error))
    const first = fields.find((field) => atFields.some(({ path }) => path === field.name))
    if (first) form.current?.querySelector<HTMLElement>(`[name="${first.name}"]`)?.focus()
  }

  function choose(event: FormEvent<HTMLFormElement>) {
    const { target } = event
    if (!(target instanceof HTMLInputElement || target instanceof HTMLSelectElement)) return
    if (all.some(({ only }) => target.name in only))
      setChosen({ ...chosen, [target.name]: target.value })
  }

  const [subject, ...options] = inOrder(fields)
  const issueOf = (field: Field) => issues.find(({ path }) => path === field.name)?.message
  return (
    <form
      ref={form}
      onSubmit={start}
      onChange={choose}
      noValidate
      className="mt-6 grid gap-x-3 gap-y-6 sm:grid-cols-[minmax(0,1fr)_auto]"
    >
      {subject ? <FieldControl field={subject} issue={issueOf(subject)} large /> : null}
      {options.length > 0 ? (
        <div className="grid gap-x-8 gap-y-5 sm:col-span-2 sm:grid-cols-2 lg:grid-cols-3">
          {options.map((field) => (
            <FieldControl key={field.name} field={field} issue={issueOf(field)} />
          ))}
        </div>
      ) : null}
      {problem ? (
        <div className="sm:col-span-2">
          <Notice kind="bad" urgent>
            {problem}
          </Notice>
        </div>
      ) : null}
      <Button
        type="submit"
        kind="solid"
        size="large"
        disabled={busy}
        className={
          subject?.kind === 'text'
            ? 'sm:col-start-2 sm:row-start-1 sm:mt-6'
            : 'sm:col-span-2 sm:justify-self-start'
        }
      >
        {busy ? 'Starting…' : 'Start search'}
      </Button>
    </form>
  )
}

/** Required fields come first. */
function inOrder(fields: Field[]): Field[] {
  return [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)]
}

function withoutPrefix({ path, message }: FieldIssue): FieldIssue {
  return { path: path.replace(/^input\./, ''), message }
}
