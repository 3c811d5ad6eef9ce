import type { JobSummary } from '#jobs/job.ts'
import { ask, onConnected, onFrame, tell } from './connection.ts'
import { MineAck, MineFrame } from './frames.ts'
import { type JobList, mergeJobs, takeInNewest } from './job-list.ts'
import { signal } from './signal.ts'

const jobs = signal<JobList | null>(null)
export const myJobs = { read: jobs.read }

let readers = 0
let closing: ReturnType<typeof setTimeout> | null = null
let stopCatchingUp: (() => void) | null = null
/** Longer than React needs to take a component off and put it on again. */
const closeAfterMs = 1_000

/** Keeps the list of own jobs live while somebody listens. Answers how to stop listening. */
export function openMyJobs(initial: JobList, listener: () => void): () => void {
  if (closing) clearTimeout(closing)
  closing = null
  readers++
  jobs.set(mergeJobs(jobs.read() ?? [], initial))
  const stop = jobs.subscribe(listener)
  onFrame('jobs', (frame) => {
    const { changed, removed } = MineFrame.parse(frame)
    jobs.set(mergeJobs(jobs.read() ?? [], changed, removed))
  })
  stopCatchingUp ??= onConnected(catchUp)
  return () => {
    stop()
    if (--readers === 0) closing = setTimeout(close, closeAfterMs)
  }
}

/** Adds an older page, or a job that the API has just answered with. */
export function addToMyJobs(more: readonly JobSummary[]): void {
  jobs.set(mergeJobs(jobs.read() ?? [], more))
}

async function catchUp(): Promise<void> {
  if (!stopCatchingUp) return
  const ack = MineAck.parse(await ask('jobs:open', {}))
  if ('error' in ack) throw new Error(ack.error.message)
  jobs.set(takeInNewest(jobs.read() ?? [], ack.jobs))
}

function close(): void {
  stopCatchingUp?.()
  stopCatchingUp = null
  jobs.set(null)
  tell('jobs:close', {})
}
