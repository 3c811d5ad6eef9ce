/** An event in the shape of a job's. `data` of rows is about 140 bytes as JSON. */
export type BenchEvent =
  | { type: 'rows'; data: { at: string; attempt: 1; from: number; rows: [BenchRow] } }
  | { type: 'state'; data: { at: string; attempt: 1; state: 'complete' } }

interface BenchRow {
  site: string
  links: number
  /** Number of the job. */
  job: number
  /** 0, 1, 2… within the job. */
  n: number
  /** When it was handed to the publisher, in ms by this process' monotonic clock. */
  sent: number
}

export function rowsEvent(job: number, n: number): BenchEvent {
  const at = new Date().toISOString()
  const row = { site: 'github.com/redis', links: 4, job, n, sent: performance.now() }
  return { type: 'rows', data: { at, attempt: 1, from: n, rows: [row] } }
}

export function endEvent(): BenchEvent {
  return { type: 'state', data: { at: new Date().toISOString(), attempt: 1, state: 'complete' } }
}

/**
 * Calls back for each row in a text that a client received, in order. It matches only the row, not
 * its frame, so that clients of all contenders cost the same.
 */
export function eachRow(text: string, onRow: (job: number, n: number, sent: number) => void): void {
  for (const [, job, n, sent] of text.matchAll(/"job":(\d+),"n":(\d+),"sent":([\d.]+)/g))
    onRow(Number(job), Number(n), Number(sent))
}

export function hasEnd(text: string): boolean {
  return text.includes('"state":"complete"')
}
