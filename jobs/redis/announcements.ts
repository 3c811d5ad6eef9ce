import type { LoggedEvent } from '../events.ts'
import type { JobSummary } from '../job.ts'
import { readEntry } from './log-entry.ts'
import { parseSummary } from './record.ts'

/**
 * What the channel of a job says. The head is read without parsing JSON; `data` is passed through
 * as it was written.
 */
export interface ChannelMessage extends Omit<LoggedEvent, 'seq'> {
  /** null for progress. */
  seq: number | null
  epoch: string
}

/** `seq|epoch|type|data`, as scripts/shared.lua writes it. */
export function parseChannelMessage(message: string): ChannelMessage {
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
export interface ListChange {
  version: number
  epoch: string
  id: string
  /**
   * How the job is now; null when it was removed. Read only when asked for, since the next change
   * may make it void.
   */
  job(): JobSummary | null
}

/**
 * `version|epoch|changed` or `version|epoch|removed`, then on the next lines the id, and the rest
 * of the summary.
 */
export function parseListChange(message: string): ListChange {
  const firstBreak = message.indexOf('\n')
  const [version = '', epoch = '', what] = message.slice(0, firstBreak).split('|')
  const nextBreak = message.indexOf('\n', firstBreak + 1)
  return {
    version: Number(version),
    epoch,
    id: message.slice(firstBreak + 1, nextBreak === -1 ? undefined : nextBreak),
    job: () =>
      what === 'changed' ? parseSummary(message.slice(firstBreak + 1).split('\n'), epoch) : null,
  }
}
