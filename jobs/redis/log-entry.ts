/** A durable event as it is kept and announced; its seq is its place in the log. `data` is JSON, passed through. */
export interface LogEntry {
  type: string
  data: string
}

export interface StoredEvent extends LogEntry {
  seq: number
}

/** `type|data`: what a job's log holds, and what is announced behind seq and epoch. */
export function writeEntry(type: string, data: object): string {
  return `${type}|${JSON.stringify(data)}`
}

export function readEntry(entry: string): LogEntry {
  const bar = entry.indexOf('|')
  return { type: entry.slice(0, bar), data: entry.slice(bar + 1) }
}

/** @param first seq of the first of them. */
export function readEntries(entries: readonly string[], first: number): StoredEvent[] {
  return entries.map((entry, i) => ({ seq: first + i, ...readEntry(entry) }))
}
