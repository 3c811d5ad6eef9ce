import type { LoggedEvent } from '../events.ts'

/** `type|data`: what a job's log holds, and what is announced behind seq and epoch. */
export function writeEntry(type: string, data: object): string {
  return `${type}|${JSON.stringify(data)}`
}

export function readEntry(entry: string): Omit<LoggedEvent, 'seq'> {
  const bar = entry.indexOf('|')
  return { type: entry.slice(0, bar), data: entry.slice(bar + 1) }
}

/** @param first seq of the first of them. */
export function readEntries(entries: readonly string[], first: number): LoggedEvent[] {
  return entries.map((entry, i) => ({ seq: first + i, ...readEntry(entry) }))
}
