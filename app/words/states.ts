import type { JobState, Progress } from '#jobs/job.ts'
import { count } from './numbers.ts'

export const stateLabels: Record<JobState, string> = {
  new: 'Queued',
  running: 'Running',
  complete: 'Complete',
  error: 'Failed',
  cancelled: 'Cancelled',
}

/** "5 of 16 shards", or "1,204 pages" if the total is unknown. */
export function progressPhrase({ done, total, unit }: Progress): string {
  return total === null ? `${count(done)} ${unit}` : `${count(done)} of ${count(total)} ${unit}`
}

/** For the tab title: "Running 5/16". */
export function shortState({
  state,
  progress,
}: {
  state: JobState
  progress: Progress | null
}): string {
  if (state !== 'running' || !progress) return stateLabels[state]
  const { done, total } = progress
  return `${stateLabels.running} ${total === null ? count(done) : `${count(done)}/${count(total)}`}`
}
