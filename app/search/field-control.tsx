'use client'

import { useEffect, useRef } from 'react'
import { Segmented } from '../ui/segmented.tsx'
import type { Field } from './form-fields.ts'

const maxSegments = 4

/** A form field with its label, its help and its error, if any. */
export function FieldControl({
  field,
  issue,
  large = false,
}: {
  field: Field
  issue: string | undefined
  large?: boolean
}) {
  const id = `field-${field.name}`
  const helpId = `${id}-help`
  const issueId = `${id}-issue`
  const describedBy =
    [issue ? issueId : null, field.help ? helpId : null].filter(Boolean).join(' ') || undefined
  const segmented = field.kind === 'choice' && field.options.length <= maxSegments
  const control = (
    <Control
      field={field}
      id={id}
      invalid={issue !== undefined}
      describedBy={describedBy}
      large={large}
    />
  )
  return (
    <div className="min-w-0">
      {field.kind === 'switch' ? (
        <label htmlFor={id} className="flex min-h-[34px] items-center gap-2 text-sm font-medium">
          {control}
          {field.label}
        </label>
      ) : segmented ? (
        <div className="mb-1 text-sm font-medium">{field.label}</div>
      ) : (
        <label htmlFor={id} className="mb-1 block text-sm font-medium">
          {field.label}
        </label>
      )}
      {field.kind === 'switch' ? null : control}
      {issue ? (
        <p id={issueId} className="mt-1.5 text-sm text-bad">
          {issue}
        </p>
      ) : null}
      {field.help ? (
        <p id={helpId} className="mt-1.5 text-xs text-pretty text-ink-3">
          {field.help}
        </p>
      ) : null}
      {large ? <Examples field={field} inputId={id} /> : null}
    </div>
  )
}

interface ControlProps {
  field: Field
  id: string
  invalid: boolean
  describedBy: string | undefined
  large: boolean
}

function Control({ field, id, invalid, describedBy, large }: ControlProps) {
  const common = {
    id,
    name: field.name,
    'aria-invalid': invalid,
    'aria-describedby': describedBy,
    required: field.required,
  }
  switch (field.kind) {
    case 'text':
      return <TextControl field={field} common={common} large={large} />
    case 'lines':
      return (
        <textarea
          {...common}
          rows={8}
          defaultValue={field.initial}
          maxLength={field.maxLength}
          placeholder={field.examples[0]}
          spellCheck={false}
          className="field font-mono"
        />
      )
    case 'number':
      return (
        <input
          {...common}
          type="number"
          inputMode="numeric"
          min={field.min}
          max={field.max}
          step={field.step}
          defaultValue={field.initial}
          className="field max-w-32 tabular-nums"
        />
      )
    case 'switch':
      return (
        <input
          {...common}
          required={false}
          type="checkbox"
          defaultChecked={field.initial}
          className="size-4 accent-accent-solid"
        />
      )
    case 'choice': {
      const options = field.options.map(({ value, label }) => ({ value: String(value), label }))
      if (options.length <= maxSegments)
        return (
          <Segmented
            legend={field.label}
            name={field.name}
            options={options}
            initial={field.initial}
            describedBy={describedBy}
          />
        )
      return (
        <select {...common} defaultValue={field.initial} className="field pr-8">
          {options.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      )
    }
  }
}

interface TextProps {
  field: Extract<Field, { kind: 'text' }>
  common: {
    id: string
    name: string
    required: boolean
    'aria-invalid': boolean
    'aria-describedby': string | undefined
  }
  large: boolean
}

function TextControl({ field, common, large }: TextProps) {
  const input = useRef<HTMLInputElement>(null)

  useEffect(() => {
    // Not on phones: the on-screen keyboard would cover half of the page.
    if (large && window.matchMedia('(pointer: fine)').matches)
      input.current?.focus({ preventScroll: true })
  }, [large])

  return (
    <input
      {...common}
      ref={input}
      type="text"
      autoComplete="off"
      autoCapitalize="none"
      spellCheck={false}
      defaultValue={field.initial}
      maxLength={field.maxLength}
      placeholder={field.examples[0]}
      className={`field ${large ? 'h-10 px-3 text-[15px]' : ''}`}
    />
  )
}

/** Example values. Clicking one fills it in. */
function Examples({ field, inputId }: { field: Field; inputId: string }) {
  if (!('examples' in field) || field.examples.length === 0) return null

  function fillIn(example: string) {
    const input = document.getElementById(inputId)
    if (!(input instanceof HTMLInputElement) && !(input instanceof HTMLTextAreaElement)) return
    input.value = example
    input.focus()
  }

  return (
    <p className="mt-1.5 text-xs text-ink-3">
      For example{' '}
      {field.examples.map((example, i) => (
        <span key={example}>
          {i === 0 ? '' : ', '}
          <button
            type="button"
            onClick={() => fillIn(example)}
            className="rounded-sm break-all text-ink-2 underline decoration-line-strong underline-offset-3 hover:text-ink hover:decoration-current"
          >
            {example}
          </button>
        </span>
      ))}
    </p>
  )
}
