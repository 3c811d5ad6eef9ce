import type { JobState } from './job.ts'

/**
 * new ──▶ running ──▶ complete | error        running ──▶ running   the next attempt
 *  ├────────┴───────▶ cancelled               new ──▶ error         unknown type, or lost before it began
 *  └────────────────▶ error
 *
 * First ending wins: nothing moves an ended job. The Lua scripts hold the same guards; a test walks
 * this table through them.
 */
export const moves: Record<JobState, readonly JobState[]> = {
  new: ['running', 'error', 'cancelled'],
  running: ['running', 'complete', 'error', 'cancelled'],
  complete: [],
  error: [],
  cancelled: [],
}

export type LiveState = 'new' | 'running'
export type Ending = 'complete' | 'error' | 'cancelled'

export function isLive(state: JobState): state is LiveState {
  return moves[state].length > 0
}

/** What a page may offer; pages never decide it themselves. */
export function canCancel(job: { state: JobState }): boolean {
  return moves[job.state].includes('cancelled')
}

export function canDelete(job: { state: JobState }): boolean {
  return !isLive(job.state)
}
