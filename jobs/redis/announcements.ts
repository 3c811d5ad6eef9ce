import type { LoggedEvent } from '../events.ts'
import type { JobSummary } from '../job.ts'
import { readEntry } from './log-entry.ts'
import { parseSummary } from './record.ts'

/** A message on a job's channel: one event. `data` is the JSON text as it was written, unparsed. */
export interface ChannelMessage extends Omit<LoggedEvent, 'seq'> {
  /** null for progress. */
  seq: number | null
  epoch: string
}

/** Parses `seq|epoch|type|data`, the format of scripts/shared.lua. */
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

/** A message on a list's channel: its `version`th change, and the job that it concerns. */
export interface ListChange {
  version: number
  epoch: string
  id: string
  /**
   * The job after the change; null if it was removed, or if the message only says to read the list
   * again. Parsed on demand: a later change often supersedes it first.
   */
  job(): JobSummary | null
}

/**
 * Parses `version|epoch|kind`, followed on the next lines by the id and, if the kind is `changed`,
 * by the rest of the summary. The other kinds are `removed` and `reread`.
 */
export function parseListChange(message: string): ListChange {
  const firstBreak = message.indexOf('\n')
  const [version = '', epoch = '', kind] = message.slice(0, firstBreak).split('|')
  const nextBreak = message.indexOf('\n', firstBreak + 1)
  return {
    version: Number(version),
    epoch,
    id: message.slice(firstBreak + 1, nextBreak === -1 ? undefined : nextBreak),
    job: () =>
      kind === 'changed' ? parseSummary(message.slice(firstBreak + 1).split('\n'), epoch) : null,
  }
}
