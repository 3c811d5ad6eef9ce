import type { JobSummary } from '../job.ts'
import { parseSummary } from './record.ts'

/** What the channel of a job says. The head is read without parsing JSON; `data` is passed through as it was written. */
export interface Ring {
  /** null for progress. */
  seq: number | null
  epoch: string
  type: string
  /** JSON. */
  data: string
}

/** `seq|epoch|type|data`, as scripts/shared.lua writes it. */
export function parseRing(message: string): Ring {
  const [first, second, third] = bars(message, 3)
  const seq = message.slice(0, first)
  return {
    seq: seq === '' ? null : Number(seq),
    epoch: message.slice(first + 1, second),
    type: message.slice(second + 1, third),
    data: message.slice(third + 1),
  }
}

/** What the channel of a list says: it changed for the `version`th time, in this one job. */
export type ListChange = { version: number; epoch: string } & ({ changed: JobSummary } | { removed: string })

/** `version|epoch|changed` or `version|epoch|removed`, then the summary or the id on the next lines. */
export function parseListChange(message: string): ListChange {
  const [head = '', ...values] = message.split('\n')
  const [version = '', epoch = '', what] = head.split('|')
  if (what === 'removed') return { version: Number(version), epoch, removed: values[0] ?? '' }
  const changed = parseSummary(values, epoch)
  if (!changed) throw new Error(`No job in the announcement: ${message.slice(0, 200)}`)
  return { version: Number(version), epoch, changed }
}

function bars(text: string, count: number): number[] & [number, number, number] {
  const at: number[] & [number, number, number] = [-1, -1, -1]
  for (let i = 0; i < count; i++) at[i] = text.indexOf('|', (at[i - 1] ?? -1) + 1)
  return at
}
