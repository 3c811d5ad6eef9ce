import type { JobSummary } from '#jobs/job.ts'
import type { SearchType } from '#protocol/answers.ts'
import { type Field, formFields, humanised } from '../search/form-fields.ts'
import { count } from './numbers.ts'

/** A job's input in words: its subject, and the options that differ from their defaults. */
export interface InputPhrase {
  subject: string
  /** One per option: "Links to: this host". */
  details: string[]
}

const maxTextLength = 80

export function inputPhrase(
  input: JobSummary['input'],
  search: SearchType | undefined,
): InputPhrase {
  const fields = fieldsOf(input, search)
  const hasValue = ({ name }: Field) => input[name] !== undefined && input[name] !== ''
  const subjectField =
    fields.find((field) => field.subject && hasValue(field)) ??
    fields.find((field) => field.required) ??
    fields.find(hasValue)
  const details = fields
    .filter(
      (field) =>
        field !== subjectField &&
        input[field.name] !== undefined &&
        !isDefault(field, input[field.name]),
    )
    .map((field) => `${field.label}: ${valuePhrase(field, input[field.name])}`)
  return {
    subject: subjectField
      ? capitalised(subjectField, valuePhrase(subjectField, input[subjectField.name]))
      : 'Search',
    details,
  }
}

/** The job's complete input, field by field. */
export function inputFacts(
  input: JobSummary['input'],
  search: SearchType | undefined,
): { label: string; value: string }[] {
  return fieldsOf(input, search)
    .filter((field) => input[field.name] !== undefined && input[field.name] !== '')
    .map((field) => ({
      label: field.label,
      value: capitalised(field, valuePhrase(field, input[field.name])),
    }))
}

function fieldsOf(input: JobSummary['input'], search: SearchType | undefined): Field[] {
  return search ? formFields(search.input) : Object.keys(input).map(plainField)
}

function isDefault(field: Field, value: unknown): boolean {
  return String(field.initial) === String(value)
}

function valuePhrase(field: Field, value: unknown): string {
  if (field.kind === 'choice') {
    const option = field.options.find((candidate) => String(candidate.value) === String(value))
    return option ? option.label.charAt(0).toLowerCase() + option.label.slice(1) : String(value)
  }
  if (typeof value === 'number') return count(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value !== 'string') return JSON.stringify(value ?? '')
  return field.kind === 'lines' ? linesPhrase(value) : value
}

/** The first line, and how many others there are. */
function linesPhrase(text: string): string {
  const [first = '', ...others] = text.split('\n').filter((line) => line.trim() !== '')
  if (others.length === 0) return first
  // A summary's long text is cut off.
  const number = text.endsWith('…') ? 'more' : `${count(others.length)} more`
  return `${shortened(first)} and ${number}`
}

/** A field of a search type that the server no longer has. */
function plainField(name: string): Field {
  return {
    kind: 'text',
    name,
    label: humanised(name),
    help: undefined,
    required: false,
    subject: false,
    only: {},
    initial: '',
    examples: [],
    maxLength: undefined,
  }
}

function capitalised(field: Field, value: string): string {
  const text = shortened(value)
  return field.kind === 'choice' ? text.charAt(0).toUpperCase() + text.slice(1) : text
}

function shortened(line: string): string {
  return line.length > maxTextLength ? `${line.slice(0, maxTextLength - 1)}…` : line
}
