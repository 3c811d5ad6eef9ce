import type { LoggedEvent } from '../events.ts'
import type { JobSummary } from '../job.ts'
import { readEntry } from './log-entry.ts'
import { parseSummary } from './record.ts'

/** What the channel of a job says. The head is read without parsing JSON; `data` is passed through as it was written. */
export interface Ring extends Omit<LoggedEvent, 'seq'> {
  /** null for progress. */
  seq: number | null
  epoch: string
}

/** `seq|epoch|type|data`, as scripts/shared.lua writes it. */
export function parseRing(message: string): Ring {
  const first = message.indexOf('|')
  const second = message.indexOf('|', first + 1)
  const seq = message.slice(0, first)
  return {
    seq: seq === '' ? null : Number(seq),
    epoch: message.slice(first + 1, second),
    ...readEntry(message.slice(second + 1)),
  }
}

/** What the channel of a list says: it changed for the `version`th time, in this one job. */
export type ListChange = { version: number; epoch: string } & ({ changed: JobSummary } | { removed: string })

/** `version|epoch|changed` or `version|epoch|removed`, then the summary or the id on the next lines. */
export function parseListChange(message: string): ListChange {
  const [head = '', ...values] = message.split('\n')
  const [version = '', epoch = '', what] = head.split('|')
  if (what === 'removed') return { version: Number(version), epoch, removed: values[0] ?? '' }
  return { version: Number(version), epoch, changed: parseSummary(values, epoch) }
}
