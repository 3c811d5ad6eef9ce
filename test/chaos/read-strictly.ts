import { NoteEvent, RowsEvent, StateEvent } from '#jobs/events.ts'
import type { JobState } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { readEntry } from '#jobs/redis/log-entry.ts'

/** Reads a job's log as a client would, and reports each event that contradicts those before. */
export function readStrictly(log: readonly string[], report: (problem: string) => void) {
  let state: JobState | null = null
  let attempt = 0
  let attempts = 0
  let interrupted = 0
  let rows: unknown[] = []
  for (const [i, entry] of log.entries()) {
    const { type, data } = readEntry(entry)
    const place = `event ${i + 1} of ${log.length} (${type})`
    if (state !== null && !isLive(state)) report(`${place} follows the ending`)
    if (type === 'state') {
      const event = StateEvent.parse(JSON.parse(data))
      if (event.state === 'running') {
        if (event.attempt <= attempt)
          report(`${place}: attempt ${event.attempt} starts after attempt ${attempt}`)
        attempt = event.attempt
        attempts++
        rows = []
      } else if (event.attempt !== attempt)
        report(`${place} belongs to attempt ${event.attempt}, but follows attempt ${attempt}`)
      if ((state === null) !== (event.state === 'new'))
        report(`${place}: state ${event.state} follows ${state}`)
      state = event.state
    } else if (type === 'rows') {
      const event = RowsEvent.parse(JSON.parse(data))
      if (event.attempt !== attempt)
        report(`${place} belongs to attempt ${event.attempt}, but follows attempt ${attempt}`)
      if (event.from !== rows.length)
        report(`${place} starts at row ${event.from}, but ${rows.length} rows precede it`)
      rows.push(...event.rows)
    } else {
      const event = NoteEvent.parse(JSON.parse(data))
      if (event.attempt !== attempt)
        report(`${place} belongs to attempt ${event.attempt}, but follows attempt ${attempt}`)
      if (event.worker !== undefined) interrupted++
    }
  }
  if (state === null || isLive(state)) report(`its log of ${log.length} events has no ending`)
  return { ending: state, attempts, interrupted, rows }
}
