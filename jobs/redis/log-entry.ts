import type { LoggedEvent } from '../events.ts'

/** Formats an event as `type|data`. Job logs hold it so; channel messages add seq and epoch. */
export function writeEntry(type: string, data: object): string {
  return `${type}|${JSON.stringify(data)}`
}

export function readEntry(entry: string): Omit<LoggedEvent, 'seq'> {
  const bar = entry.indexOf('|')
  return { type: entry.slice(0, bar), data: entry.slice(bar + 1) }
}

/** @param first seq of the first entry */
export function readEntries(entries: readonly string[], first: number): LoggedEvent[] {
  return entries.map((entry, i) => ({ seq: first + i, ...readEntry(entry) }))
}
