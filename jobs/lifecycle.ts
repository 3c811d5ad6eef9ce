import type { JobState } from './job.ts'

/**
 * new ──▶ running ──▶ complete | error      running ──▶ running   the next attempt
 *  ├────────┴───────▶ cancelled             new ──▶ error         unknown type, or lost too early
 *  └────────────────▶ error
 *
 * The first ending wins: nothing moves an ended job. The Lua scripts hold the same guards, and a
 * test checks every move of this table against them.
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

/** Pages ask this instead of deciding for themselves. */
export function canCancel(job: { state: JobState }): boolean {
  return moves[job.state].includes('cancelled')
}

export function canDelete(job: { state: JobState }): boolean {
  return !isLive(job.state)
}
