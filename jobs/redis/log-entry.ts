import type { LoggedEvent } from '../events.ts'

/**
 * Parses `type|at|data`, the format of scripts/shared.lua. `at` is in ms by the clock of Redis and
 * becomes the first field of the data; it is empty for progress.
 */
export function readEntry(entry: string): Omit<LoggedEvent, 'seq'> {
  const first = entry.indexOf('|')
  const second = entry.indexOf('|', first + 1)
  const at = entry.slice(first + 1, second)
  const data = entry.slice(second + 1)
  return {
    type: entry.slice(0, first),
    data: at === '' ? data : `{"at":"${new Date(Number(at)).toISOString()}",${data.slice(1)}`,
  }
}

/** @param first seq of the first entry */
export function readEntries(entries: readonly string[], first: number): LoggedEvent[] {
  return entries.map((entry, i) => ({ seq: first + i, ...readEntry(entry) }))
}
