import type { Progress } from './job.ts'

/** One durable event of a run; `data` is JSON, to which Redis adds `at`. */
export interface RunEvent {
  type: 'rows' | 'patch' | 'note' | 'state'
  data: string
  /** Number of rows in it. */
  rows: number
  /** Of a patch: the index of each row, and its changed cells as JSON. */
  patches?: readonly (readonly [index: number, cells: string])[]
}

/**
 * Everything that a run gathered since its last write. A write with the same `n` is the same write,
 * sent again.
 */
export interface RunWrite {
  attempt: number
  /** 1, 2, 3… within the attempt. */
  n: number
  events: RunEvent[]
  progress: Progress | null
  /** Repeats the state event, which is the last of `events`, and adds the error's stack. */
  ending: {
    state: 'complete' | 'error'
    message: string | null
    stack: string | null
  } | null
  /** The attempt is over but the job goes on; one of the events says why. */
  attemptOver: boolean
}
