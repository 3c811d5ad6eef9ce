import { NoteEvent, RowsEvent, StateEvent } from '#jobs/events.ts'
import type { JobState } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { readEntry } from '#jobs/redis/log-entry.ts'

/**
 * Reads a job's log as a client would, strictly: each event must follow from those before, and one
 * that does not is said.
 */
export function readStrictly(log: readonly string[], say: (problem: string) => void) {
  let state: JobState | null = null
  let attempt = 0
  let attempts = 0
  let interrupted = 0
  let rows: unknown[] = []
  for (const [i, entry] of log.entries()) {
    const { type, data } = readEntry(entry)
    const place = `event ${i + 1} of ${log.length} (${type})`
    if (state !== null && !isLive(state)) say(`${place} comes after its ending`)
    if (type === 'state') {
      const event = StateEvent.parse(JSON.parse(data))
      if (event.state === 'running') {
        if (event.attempt <= attempt)
          say(`${place}: attempt ${event.attempt} begins after attempt ${attempt}`)
        attempt = event.attempt
        attempts++
        rows = []
      } else if (event.attempt !== attempt)
        say(`${place} is of attempt ${event.attempt} in attempt ${attempt}`)
      if ((state === null) !== (event.state === 'new'))
        say(`${place}: ${event.state} after ${state}`)
      state = event.state
    } else if (type === 'rows') {
      const event = RowsEvent.parse(JSON.parse(data))
      if (event.attempt !== attempt)
        say(`${place} is of attempt ${event.attempt} in attempt ${attempt}`)
      if (event.from !== rows.length)
        say(`${place} begins at row ${event.from}, with ${rows.length} before it`)
      rows.push(...event.rows)
    } else {
      const event = NoteEvent.parse(JSON.parse(data))
      if (event.attempt !== attempt)
        say(`${place} is of attempt ${event.attempt} in attempt ${attempt}`)
      if (event.worker !== undefined) interrupted++
    }
  }
  if (state === null || isLive(state)) say(`its log of ${log.length} events has no ending`)
  return { ending: state, attempts, interrupted, rows }
}
